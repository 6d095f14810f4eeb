import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import { trustOfFlowLogs, writeFlowLogs } from '../service/iam.ts';

export interface FlowLogsArgs {
  vpcId: pulumi.Input<string>;
  accountId: string;
  logRetentionDays: number;
}

/** What the security groups refused, for whoever asks why nothing arrives. */
export class FlowLogs extends pulumi.ComponentResource {
  constructor(
    name: string,
    { vpcId, accountId, logRetentionDays }: FlowLogsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super('trunkline:infra:FlowLogs', name, {}, opts);
    const parent = { parent: this };
    const logGroup = new aws.cloudwatch.LogGroup(name, { retentionInDays: logRetentionDays }, parent);
    const role = new aws.iam.Role(
      name,
      { assumeRolePolicy: JSON.stringify(trustOfFlowLogs(accountId)), description: 'Writes the flow logs' },
      parent,
    );
    const policy = new aws.iam.RolePolicy(
      name,
      { role: role.name, policy: pulumi.jsonStringify(logGroup.arn.apply(writeFlowLogs)) },
      parent,
    );
    new aws.ec2.FlowLog(
      name,
      {
        vpcId,
        trafficType: 'REJECT',
        logDestinationType: 'cloud-watch-logs',
        logDestination: logGroup.arn,
        iamRoleArn: role.arn,
        maxAggregationInterval: 600,
      },
      { ...parent, dependsOn: [policy] },
    );
    this.registerOutputs({});
  }
}
