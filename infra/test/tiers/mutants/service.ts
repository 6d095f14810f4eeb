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
    'a deployment waits until its tasks can be reached, can read their secrets, and reach the world and their database; a failed one is told of',
  type: SERVICE,
  change: (_one, { resources }) => {
    for (const one of resources) one.dependsOn = one.dependsOn.filter((urn) => !urn.includes(type));
  },
});

export const service: Mutant[] = [
  {
    wrong: 'names another SIP host than the one asked for',
    caughtBy: 'the service is told what is configured, by the names of its settings',
    type: TASK,
    change: container(({ environment }) => {
      for (const setting of environment) if (setting.name === 'LIVEKIT_SIP_HOST') setting.value = 'another.example.com';
    }),
  },
  {
    wrong: 'has flow logs, and no task, take the role that starts tasks',
    caughtBy: 'a role is taken by tasks and flow logs of the own account alone',
    type: 'aws:iam/role:Role',
    name: 'trunkline-execution',
    change: (role, { resources }) => {
      const flowLogs = resources.find((one) => one.type === role.type && one.name.includes('flow'));
      if (!flowLogs) throw new Error('the stack has no role of flow logs');
      role.inputs.assumeRolePolicy = flowLogs.inputs.assumeRolePolicy;
    },
  },
  {
    wrong: 'asks another port whether its service lives',
    caughtBy: 'a task ends with its service, which is asked whether it lives, and outlives what makes its user',
    type: TASK,
    change: container((one) => {
      for (const port of one.portMappings) port.containerPort += 1;
    }),
  },
  {
    wrong: 'does not tell where its images go',
    caughtBy: 'the stack tells what its readers need next',
    type: TASK,
    change: (_one, { outputs }) => {
      delete outputs.repository;
    },
  },
  {
    wrong: 'puts a secret into environment, by its name',
    caughtBy: 'no-secret-in-environment',
    type: TASK,
    change: environment('LIVEKIT_API_SECRET', 'whatever'),
  },
  {
    wrong: 'puts a URI with its password into environment',
    caughtBy: 'no-secret-in-environment',
    type: TASK,
    change: environment('DATABASE', 'mongodb://trunkline:word@db.example.net'),
  },
  {
    wrong: 'puts a secret of its configuration anywhere in a task',
    caughtBy: 'no secret stands in clear, in inputs, outputs, logs or what is printed',
    type: TASK,
    change: environment('NOTE', 'marked-livekit-secret-0123456789abcdef'),
  },
  {
    wrong: 'hides a secret of its configuration in base64',
    caughtBy: 'no secret stands in clear, in inputs, outputs, logs or what is printed',
    type: TASK,
    change: environment('NOTE', Buffer.from('x:marked-livekit-secret-0123456789abcdef').toString('base64')),
  },
  {
    wrong: 'prints a secret among its outputs',
    caughtBy: 'no secret stands in clear, in inputs, outputs, logs or what is printed',
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
    wrong: 'lets its tasks write',
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
    wrong: 'opens the port of the metrics',
    caughtBy: 'of a task only the service’s own port is open',
    type: TASK,
    change: container(({ portMappings }) => void portMappings.push({ containerPort: 9464 })),
  },
  {
    wrong: 'takes whatever version a secret has',
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
    wrong: 'lets a failed deployment stand',
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
    wrong: 'sets the count of tasks at each deployment',
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
    wrong: 'names the policy by which tasks start, so that the former one goes first',
    caughtBy:
      'a changed policy of the execution role stands beside the former one, which the former tasks need: it is replaced, and has no name of its own',
    type: 'aws:iam/rolePolicy:RolePolicy',
    name: 'trunkline-execution',
    change: inputs({ name: 'trunkline-execution-01234567' }),
  },
  {
    wrong: 'changes in place the policy by which tasks start',
    caughtBy:
      'a changed policy of the execution role stands beside the former one, which the former tasks need: it is replaced, and has no name of its own',
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
    wrong: 'starts tasks on another processor than the image is made for',
    caughtBy: 'tasks run on the processor that the image is made for',
    stack: 'widest',
    type: TASK,
    change: inputs({ runtimePlatform: { operatingSystemFamily: 'LINUX', cpuArchitecture: 'ARM64' } }),
  },
  {
    wrong: 'may not use the key of a secret of the account',
    caughtBy: 'the role that starts a task may write its log, read its secrets and pull its image, and nothing else',
    stack: 'widest',
    type: 'aws:iam/rolePolicy:RolePolicy',
    name: 'trunkline-execution',
    change: (policy) => {
      policy.inputs.policy = String(policy.inputs.policy).replace('key/11111111', 'key/00000000');
    },
  },
  {
    wrong: 'lets the service sign in as the master of its database',
    caughtBy: 'the service does not know the master of its database',
    type: TASK,
    change: container(({ secrets }) => void secrets.push({ name: 'DATABASE_ADMIN_URI', valueFrom: 'arn' })),
  },
  {
    wrong: 'starts the service before it has a user in its database',
    caughtBy: 'the service waits until it has a user in a database of ours',
    type: TASK,
    change: container((one) => {
      one.dependsOn = [{ containerName: 'database-user', condition: 'START' }];
    }),
  },
  {
    wrong: 'leaves its containers their capabilities',
    caughtBy: 'a container is hardened, and logs without holding calls up; the one before the service makes its user',
    type: TASK,
    change: container((one) => {
      one.linuxParameters = { initProcessEnabled: true };
    }),
  },
];
