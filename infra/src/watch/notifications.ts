import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from '../config/config.ts';
import { publishTo } from '../service/iam.ts';

export interface NotificationsArgs {
  alarms: Config['alarms'];
  accountId: string;
}

/** Where alarms go: a topic of yours, or one of its own with a subscription by e-mail, which its reader confirms. */
export class Notifications extends pulumi.ComponentResource {
  readonly topicArn: pulumi.Output<string>;

  constructor(name: string, { alarms, accountId }: NotificationsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:Notifications', name, {}, opts);
    const parent = { parent: this };
    if (alarms !== undefined && 'snsArn' in alarms) {
      this.topicArn = pulumi.output(alarms.snsArn);
    } else {
      const topic = new aws.sns.Topic(name, { displayName: 'Trunkline' }, parent);
      new aws.sns.TopicPolicy(
        name,
        {
          arn: topic.arn,
          policy: pulumi.jsonStringify(topic.arn.apply((topicArn) => publishTo({ topicArn, accountId }))),
        },
        parent,
      );
      if (alarms !== undefined)
        new aws.sns.TopicSubscription(name, { topic: topic.arn, protocol: 'email', endpoint: alarms.email }, parent);
      this.topicArn = topic.arn;
    }
    this.registerOutputs({});
  }
}

export interface NoticesArgs {
  topicArn: pulumi.Input<string>;
  repositoryName: pulumi.Input<string>;
  /** Absent before there is an image. */
  serviceArn: pulumi.Input<string> | undefined;
}

/** What AWS tells as an event and no metric shows. */
export class Notices extends pulumi.ComponentResource {
  constructor(
    name: string,
    { topicArn, repositoryName, serviceArn }: NoticesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('trunkline:infra:Notices', name, {}, opts);
    const notice = (what: string, description: string, eventPattern: pulumi.Input<object>) => {
      const rule = new aws.cloudwatch.EventRule(
        `${name}-${what}`,
        { description, eventPattern: pulumi.jsonStringify(eventPattern) },
        { parent: this },
      );
      new aws.cloudwatch.EventTarget(`${name}-${what}`, { rule: rule.name, arn: topicArn }, { parent: this });
    };
    // https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
    notice('image-findings', 'A pushed image has findings of high or critical severity', {
      source: ['aws.ecr'],
      'detail-type': ['ECR Image Scan'],
      detail: {
        'repository-name': [repositoryName],
        $or: ['CRITICAL', 'HIGH'].map((severity) => ({
          'finding-severity-counts': { [severity]: [{ numeric: ['>', 0] }] },
        })),
      },
    });
    // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_cwe_events.html
    if (serviceArn !== undefined)
      notice('deployments', 'ECS gave up a deployment, or finds no capacity or quota for a task', {
        source: ['aws.ecs'],
        'detail-type': ['ECS Deployment State Change', 'ECS Service Action'],
        resources: [serviceArn],
        detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED', 'SERVICE_TASK_PLACEMENT_FAILURE'] },
      });
    this.registerOutputs({});
  }
}
