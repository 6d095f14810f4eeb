import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import engineGrpc from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import engine, { type LogRequest, type SetRootResourceRequest } from '@pulumi/pulumi/proto/engine_pb.js';
import monitorGrpc from '@pulumi/pulumi/proto/resource_grpc_pb.js';
import monitor, {
  type RegisterResourceOutputsRequest,
  type RegisterResourceRequest,
  type ResourceInvokeRequest,
} from '@pulumi/pulumi/proto/resource_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import type { Aws } from './aws.ts';
import { parseRegistration, type Resource, structOf, valuesOf } from './registration.ts';
import { isSecret, revealed, secret, type Values } from './values.ts';

/** Everything that a program sent to Pulumi's engine. */
export interface Recording {
  resources: Resource[];
  /** The stack's outputs, with secrets in Pulumi's wrapping. */
  outputs: Values;
  /** The functions of AWS that it called. */
  invoked: string[];
  /** Everything that the program logged, and the errors among it. */
  log: string[];
  errors: string[];
}

export interface Monitor {
  address: string;
  recording: Recording;
  close(): void;
}

const { ResourceMonitorFeature: features } = monitor;

/** Stands in for Pulumi's engine: records what is registered, and answers as a provider with `aws` would. */
export const createRecorder = (aws: Aws, { stack, dryRun }: { stack: string; dryRun: boolean }) => {
  const recording: Recording = { resources: [], outputs: {}, invoked: [], log: [], errors: [] };
  return {
    recording,
    registerResource: (request: RegisterResourceRequest) => {
      const resource = parseRegistration(request, stack);
      refuseUnsound(resource, recording.resources);
      recording.resources.push(resource);
      if (resource.custom) Object.assign(resource, create(resource, aws, dryRun));
      const answer = new monitor.RegisterResourceResponse();
      return answer.setUrn(resource.urn).setId(resource.id).setObject(structOf(resource.outputs));
    },
    registerResourceOutputs: (request: RegisterResourceOutputsRequest) => {
      const resource = recording.resources.find(({ urn }) => urn === request.getUrn());
      if (!resource) throw new Error(`outputs of ${request.getUrn()}, which nobody registered`);
      resource.outputs = valuesOf(request.getOutputs());
      if (resource.type === 'pulumi:pulumi:Stack') recording.outputs = resource.outputs;
      return new empty.Empty();
    },
    invoke: (request: ResourceInvokeRequest) => {
      recording.invoked.push(request.getTok());
      const answer = aws.invoke(request.getTok(), revealed(valuesOf(request.getArgs())));
      return new monitor.ResourceInvokeResponse().setReturn(structOf(answer));
    },
  };
};

/** Serves the recorder over gRPC to a program in another process. */
export const startMonitor = async (aws: Aws, options: { stack: string; dryRun: boolean }): Promise<Monitor> => {
  const { recording, ...answers } = createRecorder(aws, options);
  let rootUrn = '';
  const server = new Server();
  server.addService(monitorGrpc.ResourceMonitorService, {
    getDeploymentInfo: unary(() =>
      new monitor.DeploymentInfo().setSupportedfeaturesList([
        features.RESOURCE_MONITOR_FEATURE_SECRETS,
        features.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
        features.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
        features.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
      ]),
    ),
    registerResource: unary(answers.registerResource),
    registerResourceOutputs: unary(answers.registerResourceOutputs),
    invoke: unary(answers.invoke),
    signalAndWaitForShutdown: unary(() => new empty.Empty()),
  });
  server.addService(engineGrpc.EngineService, {
    log: unary((request: LogRequest) => {
      const { DEBUG, ERROR } = engine.LogSeverity;
      // Only --debug shows these, and the engine masks every secret that it knows.
      if (request.getSeverity() === DEBUG) return new empty.Empty();
      recording.log.push(request.getMessage());
      if (request.getSeverity() === ERROR) recording.errors.push(request.getMessage());
      return new empty.Empty();
    }),
    setRootResource: unary((request: SetRootResourceRequest) => {
      rootUrn = request.getUrn();
      return new engine.SetRootResourceResponse();
    }),
    getRootResource: unary(() => new engine.GetRootResourceResponse().setUrn(rootUrn)),
  });
  return { address: await listen(server), recording, close: () => server.forceShutdown() };
};

/** Refuses what Pulumi's engine refuses: duplicate URNs, and AWS resources without an explicit provider. */
const refuseUnsound = (resource: Resource, others: Resource[]) => {
  if (others.some(({ urn }) => urn === resource.urn)) throw new Error(`Duplicate resource URN '${resource.urn}'`);
  const ofAws = resource.custom && resource.type.startsWith('aws:');
  if (ofAws && resource.provider === '') throw new Error(`Default provider for 'aws' disabled: ${resource.urn}`);
};

const create = ({ type, name, inputs, additionalSecretOutputs }: Resource, aws: Aws, dryRun: boolean) => {
  if (dryRun) return { id: '', outputs: inputs };
  const { id, computed } = aws.create(type, name, revealed(inputs));
  const outputs: Values = { ...inputs, ...computed };
  for (const key of additionalSecretOutputs) {
    if (outputs[key] !== undefined && !isSecret(outputs[key])) outputs[key] = secret(outputs[key]);
  }
  return { id, outputs };
};

const unary =
  <Request, Answer>(handle: (request: Request) => Answer) =>
  ({ request }: ServerUnaryCall<Request, Answer>, reply: sendUnaryData<Answer>) => {
    try {
      reply(null, handle(request));
    } catch (error) {
      reply({ code: status.UNKNOWN, message: error instanceof Error ? error.message : String(error) });
    }
  };

const listen = (server: Server) =>
  new Promise<string>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(`127.0.0.1:${port}`),
    );
  });
