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

export interface FailedDeploymentsArgs {
  serviceArn: pulumi.Input<string>;
  topicArn: pulumi.Input<string>;
}

/** Tells when ECS gives a deployment up, also one that nobody waits for. */
export class FailedDeployments extends pulumi.ComponentResource {
  constructor(name: string, { serviceArn, topicArn }: FailedDeploymentsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('trunkline:infra:FailedDeployments', name, {}, opts);
    const rule = new aws.cloudwatch.EventRule(
      `${name}-failed-deployments`,
      {
        description: 'ECS gave up a deployment of Trunkline',
        // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
        eventPattern: pulumi.jsonStringify({
          source: ['aws.ecs'],
          'detail-type': ['ECS Deployment State Change'],
          resources: [serviceArn],
          detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED'] },
        }),
      },
      { parent: this },
    );
    new aws.cloudwatch.EventTarget(`${name}-failed-deployments`, { rule: rule.name, arn: topicArn }, { parent: this });
    this.registerOutputs({});
  }
}
