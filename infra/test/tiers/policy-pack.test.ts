import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import analyzerGrpc, { type AnalyzerClient } from '@pulumi/pulumi/proto/analyzer_grpc_pb.js';
import analyzer, {
  type AnalyzeRequest,
  type AnalyzeResponse,
  type AnalyzerInfo,
} from '@pulumi/pulumi/proto/analyzer_pb.js';
import empty, { type Empty } from 'google-protobuf/google/protobuf/empty_pb.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rules } from '../../policies/rules.ts';
import { INFRA } from './project.ts';
import { structOf } from './registration.ts';

// Loads the pack with its own SDK, as `pulumi preview --policy-pack policies` does.
const require = createRequire(join(INFRA, 'policies/index.js'));
const pack = spawn(
  process.execPath,
  [require.resolve('@pulumi/pulumi/cmd/run-policy-pack/index.js'), '127.0.0.1:1', '.'],
  {
    cwd: join(INFRA, 'policies'),
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  },
);
let client: AnalyzerClient;

beforeAll(async () => {
  const [port] = await once(createInterface({ input: pack.stdout }), 'line');
  client = new analyzerGrpc.AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());
});
afterAll(async () => {
  client?.close();
  const gone = once(pack, 'exit');
  pack.kill();
  await gone;
});

it('lists each policy for Pulumi', async () => {
  const getInfo = promisify<Empty, AnalyzerInfo>(client.getAnalyzerInfo.bind(client));
  const info = await getInfo(new empty.Empty());
  expect(info.getName()).toBe('trunkline');
  expect(info.getVersion()).toBe('0.1.0');
  expect(info.getPoliciesList().map((policy) => policy.getName())).toEqual(rules.map(({ name }) => name));
});

it('reports a resource that breaks a policy', async () => {
  const analyze = promisify<AnalyzeRequest, AnalyzeResponse>(client.analyze.bind(client));
  const request = new analyzer.AnalyzeRequest()
    .setType('aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule')
    .setName('open')
    .setUrn('urn:pulumi:dev::trunkline::aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule::open')
    .setOptions(new analyzer.AnalyzerResourceOptions())
    .setProperties(structOf({ cidrIpv4: '0.0.0.0/0', fromPort: 22, toPort: 22, ipProtocol: 'tcp' }));
  const told = (await analyze(request)).getDiagnosticsList();
  expect(told.map((one) => [one.getPolicyname(), one.getEnforcementlevel()])).toEqual([
    ['world-reaches-web-ports-only', analyzer.EnforcementLevel.MANDATORY],
  ]);
});
