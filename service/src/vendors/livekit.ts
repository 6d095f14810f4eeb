import { isIPv6 } from 'node:net';
import {
  RoomAgentDispatch,
  RoomConfiguration,
  SIPDispatchRule,
  SIPDispatchRuleIndividual,
  SIPDispatchRuleInfo,
  SIPMediaConfig,
  SIPMediaEncryption,
  SIPTransport,
} from '@livekit/protocol';
import { ServerError, SipClient } from 'livekit-server-sdk';
import { z } from 'zod';
import type { Answer, Found, Mark, MediaEncryption, OutboundLine, Switchboard } from '../phone-numbers/providers.ts';
import { Conflict } from '../provider.ts';
import { quote, translateSilence, translateStatus, type VendorCall } from './failure.ts';
import type { Observe } from './observe.ts';

export interface LiveKitOptions {
  url: string;
  api_key: string;
  api_secret: string;
  timeout_ms: number;
  observe: Observe;
}

/** LiveKit's SIP interface as our switchboard. Facts about the server: livekit/livekit v1.13.5, pkg/service/sip.go. */
export const createLiveKit = ({ url, api_key, api_secret, timeout_ms, observe }: LiveKitOptions): Switchboard => {
  // Without failover: it would send a create again whose first reply was lost, and LiveKit would make a second trunk.
  const sip = new SipClient(url, api_key, api_secret, { requestTimeout: timeout_ms / 1000, failover: false });

  const call = <T>(name: string, run: () => Promise<T>, ...secrets: (string | null)[]): Promise<T> =>
    observe(name, () =>
      run().catch((error: unknown) => {
        throw translate({ vendor: 'LiveKit', call: name, secrets: [api_secret, ...secrets] }, error);
      }),
    );

  return {
    createInboundTrunk: (line) =>
      call(
        'createInboundTrunk',
        async () => {
          const { name, phone_number, allowed_addresses, username, password, media_encryption, mark } = line;
          const trunk = await sip.createSipInboundTrunk(name, [phone_number], {
            allowedAddresses: allowed_addresses,
            ...(username !== null && { authUsername: username }),
            ...(password !== null && { authPassword: password }),
            ...encryptionOf(media_encryption),
            metadata: writeMark(mark),
          });
          return Id.parse(trunk.sipTrunkId);
        },
        line.password,
      ),

    findInboundTrunks: (phone_number) =>
      call('findInboundTrunks', async () => {
        const trunks = await sip.listSipInboundTrunk({ numbers: [phone_number] });
        // The list has trunks for all numbers too, and numbers are compared without blanks, dashes and brackets.
        const exact = trunks.filter(({ numbers }) => numbers.some((number) => normalise(number) === phone_number));
        return exact.map(({ sipTrunkId, metadata }) => found(sipTrunkId, metadata));
      }),

    createOutboundTrunk: (line) =>
      call(
        'createOutboundTrunk',
        async () => {
          const { name, phone_number, address, username, password, media_encryption, mark } = line;
          const trunk = await sip.createSipOutboundTrunk(
            name,
            isIPv6(address) ? `[${address}]` : address,
            [phone_number],
            {
              transport: transportOf(line),
              ...(username !== null && { authUsername: username }),
              ...(password !== null && { authPassword: password }),
              ...encryptionOf(media_encryption),
              metadata: writeMark(mark),
            },
          );
          return Id.parse(trunk.sipTrunkId);
        },
        line.password,
      ),

    findOutboundTrunks: (phone_number) =>
      call('findOutboundTrunks', async () => {
        const trunks = await sip.listSipOutboundTrunk({ numbers: [phone_number] });
        const exact = trunks.filter(({ numbers }) => numbers.includes(phone_number));
        return exact.map(({ sipTrunkId, metadata }) => found(sipTrunkId, metadata));
      }),

    removeTrunk: (trunk_id) => call('removeTrunk', () => unlessGone(sip.deleteSipTrunk(trunk_id))),

    createDispatchRule: (answer) =>
      call(
        'createDispatchRule',
        async () => {
          const { room_prefix, pin, inbound_trunk_id, name, mark } = answer;
          const rule = await sip.createSipDispatchRule(
            { type: 'individual', roomPrefix: room_prefix, ...(pin !== null && { pin }) },
            // Always bound to its trunk: a rule without one lets in calls that no trunk has checked (livekit/sip#460).
            { name, trunkIds: [inbound_trunk_id], metadata: writeMark(mark), ...roomConfigOf(answer) },
          );
          return Id.parse(rule.sipDispatchRuleId);
        },
        answer.pin,
      ),

    findDispatchRules: (inbound_trunk_id) =>
      call('findDispatchRules', async () => {
        const rules = await sip.listSipDispatchRule({ trunkIds: [inbound_trunk_id] });
        const bound = rules.filter(({ trunkIds }) => trunkIds.includes(inbound_trunk_id));
        return bound.map(({ sipDispatchRuleId, metadata }) => found(sipDispatchRuleId, metadata));
      }),

    updateDispatchRule: (dispatch_rule_id, answer) =>
      call(
        'updateDispatchRule',
        async () => {
          const { name, inbound_trunk_id, room_prefix, pin, mark } = answer;
          const individual = new SIPDispatchRuleIndividual({ roomPrefix: room_prefix, pin: pin ?? '' });
          await sip.updateSipDispatchRule(
            dispatch_rule_id,
            new SIPDispatchRuleInfo({
              sipDispatchRuleId: dispatch_rule_id,
              rule: new SIPDispatchRule({ rule: { case: 'dispatchRuleIndividual', value: individual } }),
              name,
              trunkIds: [inbound_trunk_id],
              metadata: writeMark(mark),
              ...roomConfigOf(answer),
            }),
          );
        },
        answer.pin,
      ),

    removeDispatchRule: (dispatch_rule_id) =>
      call('removeDispatchRule', () => unlessGone(sip.deleteSipDispatchRule(dispatch_rule_id))),
  };
};

const Id = z.string().min(1);

const encryptions = {
  disable: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE,
  allow: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_ALLOW,
  require: SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE,
} as const;

/** Both fields: servers before 1.12 know only the old one, and read the lack of it as no encryption. */
const encryptionOf = (media_encryption: MediaEncryption) => {
  const encryption = encryptions[media_encryption];
  return { media: new SIPMediaConfig({ encryption }), mediaEncryption: encryption };
};

const transports = {
  auto: SIPTransport.SIP_TRANSPORT_AUTO,
  udp: SIPTransport.SIP_TRANSPORT_UDP,
  tcp: SIPTransport.SIP_TRANSPORT_TCP,
  tls: SIPTransport.SIP_TRANSPORT_TLS,
} as const;

/** `auto` is made explicit where it can be told: with it, some servers forget the port (livekit/livekit#3907). */
const transportOf = ({ transport, address, media_encryption }: OutboundLine): SIPTransport => {
  if (transport !== 'auto') return transports[transport];
  const [, port] = /^[^:]+:([0-9]+)$|\]:([0-9]+)$/.exec(address)?.filter(Boolean) ?? [];
  if (port === '5061' || media_encryption === 'require') return transports.tls;
  return port === undefined ? transports.auto : transports.udp;
};

const roomConfigOf = ({ agent_id }: Answer) =>
  agent_id === null
    ? {}
    : { roomConfig: new RoomConfiguration({ agents: [new RoomAgentDispatch({ agentName: agent_id })] }) };

const normalise = (number: string): string => {
  const bare = number.replace(/[ ()-]/g, '');
  return bare.startsWith('+') ? bare : `+${bare}`;
};

const Metadata = z.object({
  trunkline: z.object({ installation_id: z.string(), phone_number_id: z.templateLiteral(['phon_', z.string()]) }),
});

const writeMark = (mark: Mark): string => JSON.stringify({ trunkline: mark });

const readMark = (metadata: string): Mark | undefined => {
  try {
    return Metadata.parse(JSON.parse(metadata)).trunkline;
  } catch {
    return undefined;
  }
};

const found = (resource_id: string, metadata: string): Found => ({ resource_id, mark: readMark(metadata) });

const unlessGone = async (removal: Promise<unknown>): Promise<void> => {
  await removal.catch((error: unknown) => {
    if (!(error instanceof ServerError && error.code === 'not_found')) throw error;
  });
};

/** A problem or conflict of ours in place of whatever the SDK throws. */
const translate = (called: VendorCall, error: unknown): Error => {
  if (!(error instanceof ServerError)) return translateSilence(called, error);
  const { status, message } = error;
  if (status === 400 && /conflicting inbound sip trunks|already exists in dispatch rule/i.test(message)) {
    const resource_id = message.match(/\b(?:ST|SDR)_\w+/g)?.at(-1);
    return new Conflict(`LiveKit has something that clashes with this ${called.call}`, {
      resource_id,
      cause: quote(called, error),
    });
  }
  return translateStatus(called, error, error);
};
