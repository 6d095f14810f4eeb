/** Rules of checkov that a production stack does not keep, each with its reason. docs/exceptions.md has those of others. */
export const EXCEPTIONS: Record<string, string> = {
  CKV2_AWS_23: 'The record is an alias of the load balancer, which this rule does not follow.',
  CKV2_AWS_57: 'LiveKit, Atlas and the key ring cannot be rotated by a Lambda function; the runbook rotates.',
  CKV2_AWS_62: 'Nobody waits for a file of the access log.',
  CKV2_AWS_64: 'The default policy of a key leaves it to IAM.',
  CKV2_AWS_76: 'There is no Java for Log4j.',
  CKV_AWS_136: 'The image holds no secret.',
  CKV_AWS_144: 'The access log needs no second region.',
  CKV_AWS_145: 'The load balancer writes its log with the key of S3 alone.',
  CKV_AWS_158: 'AWS’s key encrypts; secrets are not logged.',
  CKV_AWS_18: 'A log of the log.',
  CKV_AWS_192: 'There is no Java for Log4j.',
  CKV_AWS_21: 'What expires needs no versions.',
  CKV_AWS_26: 'Alarm texts hold no data, and AWS’s own key would silence every alarm.',
  CKV_AWS_338: 'Less than a year is data minimization; logRetentionDays sets more.',
  CKV_AWS_65: 'Container Insights costs by the metric; those of load balancer and log cover most.',
};
