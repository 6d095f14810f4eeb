import { revealed, type Values } from '../values.ts';
import { inputs, type Mutant } from './mutant.ts';

const SERVICE = 'aws:ecs/service:Service';
const TASK = 'aws:ecs/taskDefinition:TaskDefinition';

interface Container extends Values {
  environment: { name: string; value: string }[];
  secrets: { name: string; valueFrom: string }[];
  portMappings: { containerPort: number }[];
}
const container =
  (change: (container: Container) => void): Mutant['change'] =>
  (resource, run) => {
    const [first, ...others]: Container[] = JSON.parse(String(revealed(resource.inputs).containerDefinitions));
    if (!first) throw new Error('the task has no container');
    change(first);
    inputs({ containerDefinitions: JSON.stringify([first, ...others]) })(resource, run);
  };

const environment = (name: string, value: string) =>
  container(({ environment }) => void environment.push({ name, value }));

/** As if nothing waited for the resources of a type. */
const tooEarly = (wrong: string, type: string): Mutant => ({
  wrong,
  caughtBy:
    'a deployment waits until its tasks can be reached, read their secrets, and reach the database and the internet, and until failures are reported',
  type: SERVICE,
  change: (_one, { resources }) => {
    for (const one of resources) one.dependsOn = one.dependsOn.filter((urn) => !urn.includes(type));
  },
});

export const service: Mutant[] = [
  {
    wrong: 'sets another SIP host than the configured one',
    caughtBy: 'the service gets the configuration under the names of its settings',
    type: TASK,
    change: container(({ environment }) => {
      for (const setting of environment) if (setting.name === 'LIVEKIT_SIP_HOST') setting.value = 'another.example.com';
    }),
  },
  {
    wrong: 'lets flow logs, but no task, assume the role that starts tasks',
    caughtBy: 'only tasks and flow logs of the same account can assume a role',
    type: 'aws:iam/role:Role',
    name: 'trunkline-execution',
    change: (role, { resources }) => {
      const flowLogs = resources.find((one) => one.type === role.type && one.name.includes('flow'));
      if (!flowLogs) throw new Error('the stack has no role of flow logs');
      role.inputs.assumeRolePolicy = flowLogs.inputs.assumeRolePolicy;
    },
  },
  {
    wrong: 'checks the health of its service on another port',
    caughtBy:
      'a task ends with its service, which has a health check, but not with the container that creates its user',
    type: TASK,
    change: container((one) => {
      for (const port of one.portMappings) port.containerPort += 1;
    }),
  },
  {
    wrong: 'does not output where to push images',
    caughtBy: 'the stack’s outputs say what their reader needs next',
    type: TASK,
    change: (_one, { outputs }) => {
      delete outputs.repository;
    },
  },
  {
    wrong: 'puts a secret into the environment under its own name',
    caughtBy: 'no-secret-in-environment',
    type: TASK,
    change: environment('LIVEKIT_API_SECRET', 'whatever'),
  },
  {
    wrong: 'puts a URI with a password into the environment',
    caughtBy: 'no-secret-in-environment',
    type: TASK,
    change: environment('DATABASE', 'mongodb://trunkline:word@db.example.net'),
  },
  {
    wrong: 'puts a configured secret anywhere in a task',
    caughtBy: 'no secret appears in clear text in inputs, outputs, logs or printed text',
    type: TASK,
    change: environment('NOTE', 'marked-livekit-secret-0123456789abcdef'),
  },
  {
    wrong: 'puts a configured secret into a task in base64',
    caughtBy: 'no secret appears in clear text in inputs, outputs, logs or printed text',
    type: TASK,
    change: environment('NOTE', Buffer.from('x:marked-livekit-secret-0123456789abcdef').toString('base64')),
  },
  {
    wrong: 'prints a secret among its outputs',
    caughtBy: 'no secret appears in clear text in inputs, outputs, logs or printed text',
    type: TASK,
    change: (_one, { outputs }) => {
      outputs.key = 'tl_live_markedbootstrapkey0123456789';
    },
  },
  {
    wrong: 'names its image by a tag',
    caughtBy: 'image-by-digest',
    type: TASK,
    change: container((one) => {
      one.image = 'registry.example.com/trunkline:latest';
    }),
  },
  {
    wrong: 'lets its tasks write to their root file system',
    caughtBy: 'container-hardened',
    type: TASK,
    change: container((one) => {
      one.readonlyRootFilesystem = false;
    }),
  },
  {
    wrong: 'runs its tasks as root',
    caughtBy: 'container-hardened',
    type: TASK,
    change: container((one) => {
      one.user = '0:0';
    }),
  },
  {
    wrong: 'opens the metrics port',
    caughtBy: 'only the service’s own port of a task is open',
    type: TASK,
    change: container(({ portMappings }) => void portMappings.push({ containerPort: 9464 })),
  },
  {
    wrong: 'does not pin the version of a secret',
    caughtBy: 'each secret of a task names its version',
    type: TASK,
    change: container(({ secrets }) => {
      for (const one of secrets) one.valueFrom = one.valueFrom.replace(/:::.*$/, '');
    }),
  },
  {
    wrong: 'gives a task a secret that its role may not read',
    caughtBy: 'the role that starts a task may write its log, read its secrets and pull its image, and nothing else',
    type: TASK,
    change: container(({ secrets }) => {
      for (const one of secrets) one.valueFrom = one.valueFrom.replace('livekit-api-secret', 'another');
    }),
  },
  {
    wrong: 'does not roll back a failed deployment',
    caughtBy: 'deployment-rolls-back',
    type: SERVICE,
    change: inputs({ deploymentCircuitBreaker: { enable: true, rollback: false } }),
  },
  {
    wrong: 'gives its tasks public addresses',
    caughtBy: 'tasks-in-private',
    type: SERVICE,
    change: inputs({ networkConfiguration: { assignPublicIp: true } }),
  },
  {
    wrong: 'resets the number of tasks at each deployment',
    caughtBy: 'a deployment leaves the count of tasks to autoscaling',
    type: SERVICE,
    change: (one) => {
      one.ignoreChanges = [];
    },
  },
  tooEarly('starts tasks before they can be reached', 'aws:lb/listener:Listener'),
  tooEarly('starts tasks before their database has an instance', 'aws:docdb/clusterInstance:ClusterInstance'),
  tooEarly('starts tasks before their subnets have routes', 'aws:ec2/routeTableAssociation:RouteTableAssociation'),
  tooEarly('starts tasks before they may call anyone', 'aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule'),
  tooEarly('deploys before anybody is told of a failure', 'aws:cloudwatch/eventTarget:EventTarget'),
  tooEarly('deploys before anybody may publish to its topic', 'aws:sns/topicPolicy:TopicPolicy'),
  {
    ...tooEarly('starts tasks before they may reach the endpoints of the network', 'aws:ec2/vpcEndpoint:VpcEndpoint'),
    stack: 'widest',
  },
  {
    wrong: 'lets a role do everything',
    caughtBy: 'roles-do-little',
    type: 'aws:iam/rolePolicy:RolePolicy',
    change: inputs({ policy: '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}' }),
  },
  {
    wrong: 'gives the execution role’s policy a fixed name, so that the old one is deleted first',
    caughtBy: 'a changed policy of the execution role is created beside the old one, which old tasks still need',
    type: 'aws:iam/rolePolicy:RolePolicy',
    name: 'trunkline-execution',
    change: inputs({ name: 'trunkline-execution-01234567' }),
  },
  {
    wrong: 'changes the execution role’s policy in place',
    caughtBy: 'a changed policy of the execution role is created beside the old one, which old tasks still need',
    type: 'aws:iam/rolePolicy:RolePolicy',
    name: 'trunkline-execution',
    change: (policy) => {
      policy.replaceOnChanges = [];
    },
  },
  {
    wrong: 'lets a role read every secret',
    caughtBy: 'roles-do-little',
    type: 'aws:iam/rolePolicy:RolePolicy',
    change: inputs({
      policy: '{"Statement":[{"Effect":"Allow","Action":["secretsmanager:GetSecretValue"],"Resource":["*"]}]}',
    }),
  },
  {
    wrong: 'runs tasks on another processor than the image is made for',
    caughtBy: 'tasks run on the processor that the image is made for',
    stack: 'widest',
    type: TASK,
    change: inputs({ runtimePlatform: { operatingSystemFamily: 'LINUX', cpuArchitecture: 'ARM64' } }),
  },
  {
    wrong: 'may not use the key of an existing secret',
    caughtBy: 'the role that starts a task may write its log, read its secrets and pull its image, and nothing else',
    stack: 'widest',
    type: 'aws:iam/rolePolicy:RolePolicy',
    name: 'trunkline-execution',
    change: (policy) => {
      policy.inputs.policy = String(policy.inputs.policy).replace('key/11111111', 'key/00000000');
    },
  },
  {
    wrong: 'lets the service sign in as the master user of its database',
    caughtBy: 'the service does not get the master user of its database',
    type: TASK,
    change: container(({ secrets }) => void secrets.push({ name: 'DATABASE_ADMIN_URI', valueFrom: 'arn' })),
  },
  {
    wrong: 'starts the service before it has a user in its database',
    caughtBy: 'the service waits for its user in a database that is created here',
    type: TASK,
    change: container((one) => {
      one.dependsOn = [{ containerName: 'database-user', condition: 'START' }];
    }),
  },
  {
    wrong: 'does not drop the capabilities of its containers',
    caughtBy: 'containers are hardened and log without blocking requests; the one before the service creates its user',
    type: TASK,
    change: container((one) => {
      one.linuxParameters = { initProcessEnabled: true };
    }),
  },
];
