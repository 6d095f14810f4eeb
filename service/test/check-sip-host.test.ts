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
  ] as const)('finds a server that answers over $transport', async ({ secure, transport, said }) => {
    await using server = await openSipServer({ transport });
    const finding = await look(`localhost:${server.port}`, secure);
    expect(finding).toEqual({ check: 'sip_host', state: 'ok', said: expect.stringMatching(said) });
    expect(server.asked.join('')).toMatch(/^OPTIONS sip:localhost:\d+;transport=(tls|tcp) SIP\/2\.0\r\nVia: /m);
  });

  it('accepts a refusal as an answer, and warns of a server that takes no calls', async () => {
    await using refusing = await openSipServer({ transport: 'tcp', answer: answering('405 Method Not Allowed') });
    expect(await look(`127.0.0.1:${refusing.port}`, PLAIN)).toMatchObject({ state: 'ok' });
    await using stopping = await openSipServer({ transport: 'tcp', answer: answering('503 Service Unavailable') });
    const finding = await look(`127.0.0.1:${stopping.port}`, PLAIN);
    expect(finding).toMatchObject({ state: 'warning', said: expect.stringContaining('but with 503') });
  });

  it('warns of a server that answers only over UDP, because Twilio is told to use TCP', async () => {
    await using server = await openSipServer({ transport: 'udp' });
    const finding = await look(`127.0.0.1:${server.port}`, PLAIN);
    expect(finding).toMatchObject({ state: 'warning', said: expect.stringMatching(/over UDP, and not over TCP/) });
    expect(server.asked).toEqual([expect.stringMatching(/^OPTIONS .*\r\nVia: SIP\/2\.0\/UDP 127\.0\.0\.1:\d+;/)]);
  });

  it('repeats its request over UDP, because datagrams get lost', async () => {
    await using server = await openSipServer({ transport: 'udp', answer: undefined });
    await look(`127.0.0.1:${server.port}`, PLAIN, 7500);
    expect(server.asked.length).toBeGreaterThan(1);
  });

  it.each([ENCRYPTED, PLAIN])('warns of a server that stays silent (encrypted: %s)', async (secure) => {
    await using server = await openSipServer({ transport: 'tcp', answer: undefined });
    const finding = await look(`127.0.0.1:${server.port}`, secure, 1250);
    expect(finding).toMatchObject({ state: 'warning', said: expect.stringMatching(/does not answer|answers neither/) });
    expect(finding.advice).toMatch(/firewall/);
  });

  it('warns when nothing listens', async () => {
    const server = await openSipServer({ transport: 'tcp' });
    await server[Symbol.asyncDispose]();
    const finding = await look(`127.0.0.1:${server.port}`, ENCRYPTED);
    expect(finding).toMatchObject({ state: 'warning', said: expect.stringContaining('(ECONNREFUSED)') });
  });

  it('fails when calls are to be encrypted and the server takes them only without TLS', async () => {
    await using server = await openSipServer({ transport: 'tcp' });
    const finding = await look(`localhost:${server.port}`, ENCRYPTED);
    expect(finding).toMatchObject({ state: 'failed', said: expect.stringContaining('answers SIP without TLS') });
    expect(finding.advice).toContain('TWILIO_SECURE_TRUNKING=false');
  });

  it.each([
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['other-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('fails when the certificate is %s', async (name, code) => {
    await using server = await openSipServer({ transport: 'tls', certificate: certificate(name) });
    const finding = await look(`localhost:${server.port}`, ENCRYPTED);
    expect(finding).toMatchObject({ state: 'failed', said: expect.stringContaining(`(${code})`) });
    expect(server.asked).toEqual([]);
  });

  it('fails when something other than SIP answers', async () => {
    await using server = await openSipServer({ transport: 'tcp', answer: () => 'HTTP/1.1 400 Bad Request\r\n\r\n' });
    const finding = await look(`127.0.0.1:${server.port}`, PLAIN);
    expect(finding).toMatchObject({ state: 'failed', said: expect.stringContaining('not with SIP') });
  });

  it.each([ENCRYPTED, PLAIN])('fails when the name does not resolve (encrypted: %s)', async (secure) => {
    // Names under .invalid never resolve (RFC 6761).
    const finding = await look('sip.invalid', secure);
    expect(finding).toMatchObject({ state: 'failed', said: expect.stringMatching(/^sip\.invalid does not resolve/) });
  });

  it('stops at once when it is canceled', async () => {
    await using server = await openSipServer({ transport: 'tcp', answer: undefined });
    const called_off = new AbortController();
    const check = sipHostCheck({ sip_host: `127.0.0.1:${server.port}`, secure: false });
    const running = runChecks([check], { signal: called_off.signal, longest_ms: 60_000 });
    called_off.abort(new Error('called off'));
    await expect(running).rejects.toThrow('called off');
  });
});
