import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChecks } from '../src/checks/index.ts';
import type { Finding } from '../src/checks/run-checks.ts';
import { sipHostCheck } from '../src/checks/sip-host.ts';
import { answering, certificate, openSipServer } from './sip-server.ts';

const look = async (sip_host: string, secure: boolean, longest_ms = 60_000): Promise<Finding> => {
  const { signal } = new AbortController();
  const [finding] = await runChecks([sipHostCheck({ sip_host, secure })], { signal, longest_ms });
  return finding!;
};

const known = tls.getCACertificates('default');
beforeAll(() => tls.setDefaultCACertificates([...known, certificate('authority')]));
afterAll(() => tls.setDefaultCACertificates(known));

const [ENCRYPTED, PLAIN] = [true, false];

describe('the check of the SIP host', () => {
  it.each([
    {
      secure: ENCRYPTED,
      transport: 'tls',
      said: /^localhost \(127\.0\.0\.1\), port \d+, answers SIP over TLS, .* \(200\)/,
    },
    { secure: PLAIN, transport: 'tcp', said: /^localhost \(127\.0\.0\.1\), port \d+, answers SIP over TCP \(200\)/ },
  ] as const)('sees one that answers over $transport', async ({ secure, transport, said }) => {
    await using server = await openSipServer({ transport });
    const finding = await look(`localhost:${server.port}`, secure);
    expect(finding).toEqual({ check: 'sip_host', state: 'ok', said: expect.stringMatching(said) });
    expect(server.asked.join('')).toMatch(/^OPTIONS sip:localhost:\d+;transport=(tls|tcp) SIP\/2\.0\r\nVia: /m);
  });

  it('takes a refusal for an answer, and a server that takes no calls for a warning', async () => {
    await using refusing = await openSipServer({ transport: 'tcp', answer: answering('405 Method Not Allowed') });
    expect(await look(`127.0.0.1:${refusing.port}`, PLAIN)).toMatchObject({ state: 'ok' });
    await using stopping = await openSipServer({ transport: 'tcp', answer: answering('503 Service Unavailable') });
    const finding = await look(`127.0.0.1:${stopping.port}`, PLAIN);
    expect(finding).toMatchObject({ state: 'warning', said: expect.stringContaining('but with 503') });
  });

  it('warns of one that answers over UDP alone, for Twilio is told to use TCP', async () => {
    await using server = await openSipServer({ transport: 'udp' });
    const finding = await look(`127.0.0.1:${server.port}`, PLAIN);
    expect(finding).toMatchObject({ state: 'warning', said: expect.stringMatching(/over UDP, and not over TCP/) });
    expect(server.asked).toEqual([expect.stringMatching(/^OPTIONS .*\r\nVia: SIP\/2\.0\/UDP 127\.0\.0\.1:\d+;/)]);
  });

  it('sends to a silent one again over UDP, as datagrams get lost', async () => {
    await using server = await openSipServer({ transport: 'udp', answer: undefined });
    await look(`127.0.0.1:${server.port}`, PLAIN, 7500);
    expect(server.asked.length).toBeGreaterThan(1);
  });

  it.each([ENCRYPTED, PLAIN])('warns of one that stays silent (encrypted: %s)', async (secure) => {
    await using server = await openSipServer({ transport: 'tcp', answer: undefined });
    const finding = await look(`127.0.0.1:${server.port}`, secure, 1250);
    expect(finding).toMatchObject({ state: 'warning', said: expect.stringMatching(/does not answer|answers neither/) });
    expect(finding.advice).toMatch(/firewall/);
  });

  it('warns where nothing listens', async () => {
    const server = await openSipServer({ transport: 'tcp' });
    await server[Symbol.asyncDispose]();
    const finding = await look(`127.0.0.1:${server.port}`, ENCRYPTED);
    expect(finding).toMatchObject({ state: 'warning', said: expect.stringContaining('(ECONNREFUSED)') });
  });

  it('fails one that takes calls only without TLS, where they are to be encrypted', async () => {
    await using server = await openSipServer({ transport: 'tcp' });
    const finding = await look(`localhost:${server.port}`, ENCRYPTED);
    expect(finding).toMatchObject({ state: 'failed', said: expect.stringContaining('answers SIP without TLS') });
    expect(finding.advice).toContain('TWILIO_SECURE_TRUNKING=false');
  });

  it.each([
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['other-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('fails one whose certificate is %s', async (name, code) => {
    await using server = await openSipServer({ transport: 'tls', certificate: certificate(name) });
    const finding = await look(`localhost:${server.port}`, ENCRYPTED);
    expect(finding).toMatchObject({ state: 'failed', said: expect.stringContaining(`(${code})`) });
    expect(server.asked).toEqual([]);
  });

  it('fails where something else answers', async () => {
    await using server = await openSipServer({ transport: 'tcp', answer: () => 'HTTP/1.1 400 Bad Request\r\n\r\n' });
    const finding = await look(`127.0.0.1:${server.port}`, PLAIN);
    expect(finding).toMatchObject({ state: 'failed', said: expect.stringContaining('not with SIP') });
  });

  it.each([ENCRYPTED, PLAIN])('fails where the name does not resolve (encrypted: %s)', async (secure) => {
    // RFC 6761: names that end so never resolve.
    const finding = await look('sip.invalid', secure);
    expect(finding).toMatchObject({ state: 'failed', said: expect.stringMatching(/^sip\.invalid does not resolve/) });
  });

  it('ends at once where it is called off', async () => {
    await using server = await openSipServer({ transport: 'tcp', answer: undefined });
    const called_off = new AbortController();
    const check = sipHostCheck({ sip_host: `127.0.0.1:${server.port}`, secure: false });
    const running = runChecks([check], { signal: called_off.signal, longest_ms: 60_000 });
    called_off.abort(new Error('called off'));
    await expect(running).rejects.toThrow('called off');
  });
});
