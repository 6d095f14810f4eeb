import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { Config } from './config/config.ts';
import { costOf, type Priced, totalOf } from './cost/cost.ts';
import { connectionsOf } from './data/connection.ts';
import { Database } from './data/database.ts';
import { ImageRepository } from './data/image-repository.ts';
import { Secrets } from './data/secrets.ts';
import { Edge } from './edge/edge.ts';
import { createProvider, metricNamespace, PREFIX } from './names.ts';
import { existingNetwork } from './network/existing.ts';
import { Endpoints, Network } from './network/network.ts';
import { SecurityGroups } from './network/security-groups.ts';
import { nextSteps } from './next-steps.ts';
import { quotaNotice } from './service/scaling.ts';
import { Service } from './service/service.ts';
import { Alarms, Notices, Notifications } from './watch/alarms.ts';
import { Dashboard } from './watch/dashboard.ts';
import { LogMetrics } from './watch/log-metrics.ts';
import { watchEdge, watchRunning } from './watch/watch.ts';

/** Creates the whole deployment, bottom up. Returns the stack's outputs, which hold no secrets. */
export const deploy = (config: Config) => {
  const { stack, region, accountId, protect, logRetentionDays, image } = config;
  const opts = { provider: createProvider(config) };
  const namespace = metricNamespace(stack);
  const quota = quotaNotice(config);
  if (quota !== undefined) void pulumi.log.warn(quota);

  const hasDatabase = config.database.kind === 'documentdb';
  const network =
    config.network.kind === 'existing'
      ? existingNetwork(config.network, opts)
      : new Network(PREFIX, { network: config.network, region, accountId, logRetentionDays, hasDatabase }, opts);
  const { vpcId, publicSubnetIds, taskSubnetIds, isolatedSubnetIds } = network;
  const groups = new SecurityGroups(PREFIX, { config, vpcId }, opts);
  const endpoints =
    config.network.kind === 'own' && config.network.endpoints.length > 0
      ? new Endpoints(
          `${PREFIX}-endpoints`,
          {
            services: config.network.endpoints,
            region,
            vpcId,
            subnetIds: taskSubnetIds,
            serviceGroupId: groups.serviceId,
          },
          opts,
        )
      : undefined;
  const edge = new Edge(
    PREFIX,
    { config, vpcId, subnetIds: publicSubnetIds, securityGroupId: groups.loadBalancerId },
    opts,
  );
  const repository = new ImageRepository(PREFIX, { protect }, opts);
  const database =
    config.database.kind === 'documentdb' && groups.databaseId
      ? new Database(
          PREFIX,
          {
            database: config.database,
            stack,
            subnetIds: isolatedSubnetIds,
            securityGroupId: groups.databaseId,
            protect,
            finalSnapshot: config.environment !== 'dev',
            logRetentionDays,
          },
          opts,
        )
      : undefined;
  const secrets = new Secrets(
    PREFIX,
    {
      sources: { ...config.secrets, ...(database && { mongodbUri: { mode: 'managed', value: database.uri } }) },
      adminUri: database?.adminUri,
      protect,
    },
    opts,
  );

  const logGroup = new aws.cloudwatch.LogGroup(PREFIX, { retentionInDays: logRetentionDays }, opts);
  new LogMetrics(PREFIX, { logGroupName: logGroup.name, namespace }, opts);
  const notifications = new Notifications(PREFIX, { alarms: config.alarms, accountId }, opts);
  const { topicArn } = notifications;
  const loadBalancer = { LoadBalancer: edge.loadBalancerDimension };
  const targetGroup = { ...loadBalancer, TargetGroup: edge.targetGroupDimension };
  // On a shared load balancer, the errors of other services are not watched.
  const own = config.loadBalancer ? undefined : loadBalancer;
  const ofDeployments = new Alarms(PREFIX, { specs: watchEdge({ targetGroup }), topicArn }, opts);

  const outputs = {
    url: edge.url,
    loadBalancer: edge.loadBalancerName,
    repository: repository.url,
    ...(database && {
      databaseEndpoint: database.endpoint,
      databaseCluster: database.clusterIdentifier,
      databaseUrns: pulumi.all(database.urns).apply((urns) => urns.join(' ')),
    }),
    secretArns: secrets.arns,
    logGroup: logGroup.name,
    egressAddresses: network.egressAddresses,
    estimatedMonthlyCost: `about ${totalOf(costOf(pricedOf(config)))} US dollars, and what traffic adds`,
    nextSteps: nextSteps({ config, repositoryUrl: repository.url, url: edge.url, dnsName: edge.dnsName }),
  };
  const notices = { topicArn, repositoryName: repository.name };
  if (image === undefined) {
    new Notices(PREFIX, { ...notices, services: undefined }, opts);
    return outputs;
  }

  const service = new Service(
    PREFIX,
    {
      config: { ...config, image },
      subnetIds: taskSubnetIds,
      securityGroupId: groups.serviceId,
      secrets: secrets.taskSecrets,
      adminSecrets: secrets.adminSecrets,
      kmsKeyArns: [secrets.keyArn, ...config.secretKmsKeyArns],
      logGroup,
      targetGroupArn: edge.targetGroupArn,
      forwarding: edge.forwarding,
      before: (clusterName) => [
        groups,
        ...(network instanceof Network ? [network] : []),
        ...(endpoints ? [endpoints] : []),
        // Its endpoint has a name minutes before an instance answers there.
        ...(database ? [database] : []),
        notifications,
        // Matched by cluster: the service's ARN is known only after its first tasks run, and those may find no capacity.
        new Notices(
          PREFIX,
          { ...notices, services: pulumi.interpolate`arn:aws:ecs:${region}:${accountId}:service/${clusterName}/` },
          opts,
        ),
      ],
      loadBalancerDimension: edge.loadBalancerDimension,
      targetGroupDimension: edge.targetGroupDimension,
      alarmNames: ofDeployments.names,
    },
    opts,
  );
  new Alarms(
    `${PREFIX}-running`,
    {
      specs: watchRunning({
        loadBalancer: own,
        targetGroup,
        least: config.service.min,
        service: { ClusterName: service.clusterName, ServiceName: service.serviceName },
        namespace,
        database:
          database && config.database.kind === 'documentdb'
            ? {
                cluster: { DBClusterIdentifier: database.clusterIdentifier },
                connections: connectionsOf(config.database),
                instanceClass: config.database.instanceClass,
              }
            : undefined,
        firewall: edge.firewall ? { metric: edge.firewall, region } : undefined,
        natGateways: network.natGatewayIds.map((NatGatewayId) => ({ NatGatewayId })),
        certificate: edge.certificateArn && { CertificateArn: edge.certificateArn },
      }),
      topicArn,
    },
    opts,
  );
  const dashboard = new Dashboard(
    PREFIX,
    {
      names: pulumi.output({
        region,
        namespace,
        loadBalancer: edge.loadBalancerDimension,
        targetGroup: edge.targetGroupDimension,
        isShared: config.loadBalancer !== undefined,
        cluster: service.clusterName,
        service: service.serviceName,
        database: database?.clusterIdentifier,
        firewall: edge.firewall,
      }),
    },
    opts,
  );
  return {
    ...outputs,
    cluster: service.clusterName,
    service: service.serviceName,
    taskDefinition: service.taskDefinitionArn,
    image,
    dashboard: dashboard.dashboardName,
  };
};

const pricedOf = (config: Config): Priced => ({
  ...config,
  hasCertificate: config.edge.scheme === 'https',
  managedSecrets:
    Object.values(config.secrets).filter(({ mode }) => mode === 'managed').length +
    2 * Number(config.database.kind === 'documentdb'),
});
