import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { runChecks } from '../../src/checks/index.ts';
import { liveKitChecks } from '../../src/checks/livekit-project.ts';
import { sipHostCheck } from '../../src/checks/sip-host.ts';
import { createLiveKit } from '../../src/vendors/livekit.ts';
import { certificate } from '../sip-server.ts';
import { type LiveKit, openRealLiveKit, openStandIn } from './livekit.ts';
import { createWire } from './livekit-wire.ts';
import { optionsScenario } from './sip-scenarios.ts';
import { type Sipp, startSipp } from './sipp.ts';

const path = inject('sipp');
const within = { signal: new AbortController().signal, longest_ms: 30_000 };

describe.skipIf(path === null)('the check of a SIP host, with sipp', () => {
  let sipp: Sipp;
  afterEach(() => sipp.close());
  const wait = async (transport: 'udp' | 'tcp') => {
    sipp = await startSipp(path ?? '', { scenario: optionsScenario(), transport });
    return sipp.address;
  };
  /** Tries until sipp listens, because sipp does not say when. */
  const lookAt = async (sip_host: string, secure: boolean) => {
    for (;;) {
      const [finding] = await runChecks([sipHostCheck({ sip_host, secure })], within);
      if (!/answers neither|does not answer/.test(finding?.said ?? '')) return finding;
    }
  };

  it.each(['udp', 'tcp'] as const)('gets an answer over %s, with a request that sipp accepts', async (transport) => {
    const finding = await lookAt(await wait(transport), false);
    const state = transport === 'tcp' ? 'ok' : 'warning';
    expect(finding).toMatchObject({ state, said: expect.stringContaining(`over ${transport.toUpperCase()}`) });
    await sipp.finished();
  });

  it('gets an answer over TLS', async () => {
    const known = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...known, certificate('authority')]);
    const [host = '', port = ''] = (await wait('tcp')).split(':');
    const pem = certificate('localhost');
    const server = tls.createServer({ cert: pem, key: pem }, (socket) => {
      const behind = connect(Number(port), host);
      for (const one of [socket, behind]) one.on('error', () => {});
      socket.pipe(behind).pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const finding = await lookAt(`localhost:${(server.address() as AddressInfo).port}`, true);
    server.close();
    tls.setDefaultCACertificates(known);
    expect(finding).toMatchObject({ state: 'ok', said: expect.stringContaining('over TLS') });
  });
});

describe.each([
  { name: 'the stand-in', open: openStandIn, isMissing: false },
  { name: 'livekit-server', open: openRealLiveKit, isMissing: inject('real_livekit') === null },
])('the check of $name', ({ open, isMissing }) => {
  describe.skipIf(isMissing)('as LiveKit', () => {
    let livekit: LiveKit;
    beforeAll(async () => {
      livekit = await open();
    });
    afterAll(() => livekit.close());

    const look = (more: { api_secret?: string } = {}) => {
      const measureCall = <T>(_: string, run: () => Promise<T>) => run();
      const { findForAll } = createLiveKit({ ...livekit, ...more, timeout_ms: 10_000, measureCall });
      return runChecks(liveKitChecks({ url: livekit.url, findForAll, ownInstallation: async () => undefined }), within);
    };

    it('reports a refused key', async () => {
      const findings = await look({ api_secret: 'another-secret-of-more-than-thirty-six-letters' });
      expect(findings).toMatchObject([{ check: 'livekit_key', state: 'failed', said: expect.stringContaining('401') }]);
    });

    it('finds a trunk for all numbers and a rule for all trunks among others', async () => {
      expect(await look()).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
      const post = createWire(livekit);
      const rule = { dispatch_rule_direct: { room_name: 'lobby' } };
      const { body: one } = await post('CreateSIPInboundTrunk', { trunk: { name: 'one', numbers: ['+15550001111'] } });
      await post('CreateSIPDispatchRule', { rule, trunk_ids: [one.sip_trunk_id] });
      expect(await look()).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
      const { body: all } = await post('CreateSIPInboundTrunk', {
        trunk: { name: 'all', auth_username: 'somebody', auth_password: 'a-password' },
      });
      const { body: lobby } = await post('CreateSIPDispatchRule', { rule });
      expect(await look()).toMatchObject([
        { state: 'ok' },
        { state: 'warning', said: expect.stringContaining(`The inbound trunk ${all.sip_trunk_id} at LiveKit`) },
        {
          state: 'warning',
          said: expect.stringContaining(`The dispatch rule ${lobby.sip_dispatch_rule_id} at LiveKit`),
        },
      ]);
    });
  });
});
