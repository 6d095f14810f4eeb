/**
 * Properties that the program sets and that AWS cannot change in place.
 * "Forces replacement" in the provider's reference: https://www.pulumi.com/registry/packages/aws/api-docs/
 */
export const REPLACES: Record<string, readonly string[]> = {
  'aws:cloudwatch/logGroup:LogGroup': ['name'],
  'aws:docdb/cluster:Cluster': [
    'clusterIdentifier',
    'clusterIdentifierPrefix',
    'dbSubnetGroupName',
    'kmsKeyId',
    'masterUsername',
    'restoreToPointInTime',
    'snapshotIdentifier',
    'storageEncrypted',
  ],
  'aws:docdb/clusterInstance:ClusterInstance': ['clusterIdentifier', 'identifier', 'identifierPrefix'],
  'aws:docdb/subnetGroup:SubnetGroup': ['name'],
  'aws:ec2/securityGroup:SecurityGroup': ['name', 'description', 'vpcId'],
  'aws:ec2/subnet:Subnet': ['availabilityZone', 'cidrBlock', 'vpcId'],
  'aws:ec2/vpc:Vpc': ['cidrBlock'],
  'aws:ecr/repository:Repository': ['encryptionConfigurations', 'name'],
  'aws:ecs/service:Service': ['cluster', 'launchType', 'name'],
  'aws:ecs/taskDefinition:TaskDefinition': [
    'containerDefinitions',
    'cpu',
    'executionRoleArn',
    'family',
    'memory',
    'networkMode',
    'requiresCompatibilities',
    'runtimePlatform',
    'taskRoleArn',
    'volumes',
  ],
  'aws:iam/rolePolicy:RolePolicy': ['name', 'role'],
  'aws:lb/loadBalancer:LoadBalancer': ['internal', 'loadBalancerType', 'name'],
  'aws:lb/targetGroup:TargetGroup': ['name', 'port', 'protocol', 'targetType', 'vpcId'],
  'aws:secretsmanager/secret:Secret': ['name'],
  'aws:secretsmanager/secretVersion:SecretVersion': ['secretId', 'secretString'],
};
