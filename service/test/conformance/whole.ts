import {
  type SandboxProcess,
  type ServiceProcess,
  startCluster,
  startSandbox,
  startService,
} from '../chaos/processes.ts';
import { expectWhole, settled } from '../chaos/whole-world.ts';
import type { RestAnswer } from '../open-service.ts';
import { openRealLiveKit, type RealLiveKitServer } from './livekit.ts';
import { type LiveKitProxy, openLiveKitProxy } from './livekit-proxy.ts';
import { createWire, type Wire } from './livekit-wire.ts';

/** Everything that a livekit-server holds. */
export interface Held {
  inbound_trunk: any[];
  outbound_trunk: any[];
  dispatch_rule: any[];
}

/** The service as in production, with its own database, Twilio stand-in and real LiveKit. */
export interface Whole {
  service: ServiceProcess;
  twilio: SandboxProcess;
  livekit: RealLiveKitServer;
  /** Where the service believes LiveKit to be. */
  proxy: LiveKitProxy;
  post: Wire;
  installation_id: string;
  startReplica(): Promise<ServiceProcess>;
  /** Import requests for new numbers. */
  ofSip(fields?: object): { phone_number: string; [field: string]: unknown };
  ofTwilio(): { phone_number: string; [field: string]: unknown };
  importNumber(input: object, by?: ServiceProcess): Promise<RestAnswer>;
  readLiveKit(): Promise<Held>;
  /** What LiveKit has for a number: at most one of each. */
  linesOf(input: { phone_number: string }): Promise<Record<'inbound' | 'outbound' | 'rule', any>>;
  /** Waits until the reconciler has nothing left to do. */
  settled(): Promise<void>;
  /** Everything at both providers is named by a record, and every record is complete. */
  expectWhole(): Promise<unknown>;
  close(): Promise<void>;
}

export const openWhole = async (environment: Record<string, string> = {}): Promise<Whole> => {
  const [cluster, twilio, livekit] = await Promise.all([startCluster(1), startSandbox(20), openRealLiveKit()]);
  const proxy = await openLiveKitProxy(livekit.url);
  const startReplica = () =>
    startService(twilio, cluster.uri, {
      LIVEKIT_URL: proxy.url,
      LIVEKIT_API_KEY: livekit.api_key,
      LIVEKIT_API_SECRET: livekit.api_secret,
      LEASE_SECONDS: '4',
      PROVIDER_TIMEOUT_SECONDS: '2',
      ...environment,
    });
  const service = await startReplica();
  const [, installation_id = ''] = await service.line(/"installation_id":"(\w+)"/);
  const integration_id = await integrate(service, twilio);
  const post = createWire(livekit);
  const reading = createReading(post);
  const draw = createDraw(twilio, integration_id);
  return {
    service,
    twilio,
    livekit,
    proxy,
    post,
    installation_id,
    startReplica,
    ...draw,
    ...reading,
    importNumber: (input, by = service) => by.caller.rest('POST', '/api/phone-numbers', input),
    settled: () => settled(cluster),
    expectWhole: () => expectWhole(cluster, { world: () => worldOf(twilio, reading) }),
    close: async () => {
      await service.end('SIGTERM');
      await proxy.close();
      await Promise.all([cluster.close(), twilio.close(), livekit.close()]);
    },
  };
};

const integrate = async ({ caller }: ServiceProcess, { account }: SandboxProcess): Promise<string> => {
  const credentials = { provider: 'twilio', account_sid: account.sid, auth_token: account.auth_token };
  const { body } = await caller.rest('POST', '/api/integrations', { name: 'Real LiveKit', credentials });
  return body.data.integration_id;
};

const createDraw = ({ account }: SandboxProcess, integration_id: string): Pick<Whole, 'ofSip' | 'ofTwilio'> => {
  const both = { supports_inbound: true, supports_outbound: true };
  const owned = account.numbers.values();
  let drawn = 3_000_000;
  return {
    ofSip: (fields = {}) => ({
      phone_number: `+1555${drawn++}`,
      provider: 'sip',
      ...both,
      sip_server_address: 'sip.example.com',
      ...fields,
    }),
    ofTwilio: () => {
      const { value: phone_number } = owned.next();
      if (phone_number === undefined) throw new Error('The Twilio account has no numbers left: start it with more');
      return { phone_number, provider: 'twilio', ...both, integration_id };
    },
  };
};

const createReading = (post: Wire): Pick<Whole, 'readLiveKit' | 'linesOf'> => {
  const list = async (method: string, body: object = {}): Promise<any[]> => (await post(method, body)).body.items;
  const only = ([one, ...more]: any[]) => {
    if (more.length > 0) throw new Error(`There is more than one: ${JSON.stringify([one, ...more])}`);
    return one;
  };
  return {
    readLiveKit: async () => ({
      inbound_trunk: await list('ListSIPInboundTrunk'),
      outbound_trunk: await list('ListSIPOutboundTrunk'),
      dispatch_rule: await list('ListSIPDispatchRule'),
    }),
    linesOf: async ({ phone_number }) => {
      const inbound = only(await list('ListSIPInboundTrunk', { numbers: [phone_number] }));
      const outbound = only(await list('ListSIPOutboundTrunk', { numbers: [phone_number] }));
      const rule = only(await list('ListSIPDispatchRule', { trunkIds: [inbound?.sip_trunk_id ?? 'ST_none'] }));
      return { inbound, outbound, rule };
    },
  };
};

/** In the form in which the sandbox returns what it holds. */
const worldOf = async (twilio: SandboxProcess, { readLiveKit }: Pick<Whole, 'readLiveKit'>) => {
  const held = await readLiveKit();
  const trunks = (things: any[]) => things.map(({ sip_trunk_id }) => ({ sipTrunkId: sip_trunk_id }));
  return {
    twilio: (await twilio.world()).twilio,
    livekit: {
      inbound_trunk: trunks(held.inbound_trunk),
      outbound_trunk: trunks(held.outbound_trunk),
      dispatch_rule: held.dispatch_rule.map(({ sip_dispatch_rule_id }) => ({
        sipDispatchRuleId: sip_dispatch_rule_id,
      })),
    },
  };
};
