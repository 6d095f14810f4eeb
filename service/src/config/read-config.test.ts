import { describe, expect, it } from 'vitest';
import { takesTls } from './contradictions.ts';
import { ConfigError, readConfig } from './index.ts';
import { type Setting, settings } from './settings.ts';

const production = {
  NODE_ENV: 'production',
  MONGODB_URI: 'mongodb://db.example:27017/trunkline?replicaSet=rs0',
  LIVEKIT_URL: 'wss://example.livekit.cloud',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'secret',
  LIVEKIT_SIP_HOST: 'example.sip.livekit.cloud',
  ENCRYPTION_KEYS: `2026b:${Buffer.alloc(32, 1).toString('base64')},2026a:${Buffer.alloc(32, 2).toString('base64')}`,
};

const faultsOf = (environment: Record<string, string>): string => {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'none';
};

describe('the settings', () => {
  it('are all optional in development, and listen on this machine only', () => {
    expect(readConfig({})).toMatchObject({
      production: false,
      host: '127.0.0.1',
      port: 3000,
      metrics_host: '127.0.0.1',
      metrics_port: 9464,
      rate_limit_rps: 50,
      anonymous_rate_limit_rps: 20,
      max_connections: 2000,
      request_timeout_ms: 30_000,
      response_timeout_ms: 30_000,
      keep_alive_ms: 65_000,
    });
    expect(readConfig({}).livekit).toBeUndefined();
  });

  it.each([
    ['HOST', '0.0.0.0'],
    ['HOST', '::'],
    ['METRICS_HOST', 'localhost'],
    ['LIVEKIT_SIP_HOST', '127.0.0.1:5060'],
    ['LIVEKIT_SIP_HOST', '[2001:db8::9]:5060'],
    ['LIVEKIT_URL', 'http://livekit_server:7880'],
    ['LIVEKIT_URL', 'http://[::1]:7880'],
  ])('accept %s=%s', (name, value) => {
    expect(faultsOf({ ...production, LIVEKIT_SIP_HOST: 'sip.example.com', [name]: value })).toBe('none');
  });

  it.each([
    ['LIVEKIT_URL', { LIVEKIT_URL: 'ws://example.livekit.cloud' }],
    ['LIVEKIT_URL', { LIVEKIT_URL: 'http://example.livekit.cloud' }],
    // The host of LiveKit Cloud's API takes no calls.
    ['LIVEKIT_SIP_HOST', { LIVEKIT_SIP_HOST: 'example.livekit.cloud' }],
    ['LIVEKIT_SIP_HOST', { LIVEKIT_URL: 'https://livekit.example.com', LIVEKIT_SIP_HOST: 'x.sip.livekit.cloud' }],
    ['TWILIO_SECURE_TRUNKING', { LIVEKIT_SIP_HOST: 'sip.example.com:5060', TWILIO_SECURE_TRUNKING: 'true' }],
    ['TWILIO_SECURE_TRUNKING', { LIVEKIT_SIP_HOST: 'sip.example.com:5061', TWILIO_SECURE_TRUNKING: 'false' }],
    ['METRICS_PORT', { METRICS_PORT: '3000' }],
    ['METRICS_PORT', { PORT: '9464', HOST: '127.0.0.1' }],
  ] as [string, Record<string, string>][])('report a contradiction as a fault of %s: %j', (name, settings) => {
    expect(faultsOf({ ...production, ...settings })).toMatch(new RegExp(`^ {2}${name} must`, 'm'));
  });

  it('may use the same port on different addresses', () => {
    expect(faultsOf({ HOST: '192.0.2.1', METRICS_HOST: '127.0.0.1', METRICS_PORT: '3000' })).toBe('none');
    expect(faultsOf({ PORT: '0', METRICS_PORT: '0' })).toBe('none');
  });

  it.each([
    ['wss://example.livekit.cloud', 'example.livekit.cloud'],
    ['WSS://Example.LiveKit.Cloud:443/', 'example.livekit.cloud'],
    ['https://livekit.example.com/livekit/', 'livekit.example.com/livekit'],
    ['http://127.0.0.1:7880', '127.0.0.1:7880'],
  ])('derive the name of the LiveKit project from %s', (LIVEKIT_URL, livekit_project) => {
    const own = { ...production, LIVEKIT_SIP_HOST: 'sip.example.com' };
    expect(readConfig({ ...own, LIVEKIT_URL })).toMatchObject({ livekit_project });
  });

  it.each([
    ['LIVEKIT_URL', 'https://livekit.example.com/?x=1'],
    ['LIVEKIT_URL', 'https://livekit.example.com/#x'],
    ['LIVEKIT_URL', 'https://user:pass@livekit.example.com'],
    ['TWILIO_API_URL', 'http://127.0.0.1:4010/?x=1'],
  ])('refuse parts of a URL that have no meaning: %s=%s', (name, value) => {
    expect(faultsOf({ ...production, LIVEKIT_SIP_HOST: 'sip.example.com', [name]: value })).toMatch(
      new RegExp(`^ {2}${name} must`, 'm'),
    );
  });

  it('are trimmed: a file often ends in a line break', () => {
    const config = readConfig({ ...production, LIVEKIT_API_SECRET: 'secret\n', PORT: ' 8080 ', HOST: '  ' });
    expect(config).toMatchObject({ port: 8080, host: '::', livekit: { api_secret: 'secret' } });
  });

  it.each([
    ['Example.SIP.LiveKit.Cloud', 'example.sip.livekit.cloud', true],
    ['example.sip.livekit.cloud:5061', 'example.sip.livekit.cloud:5061', true],
    ['example.sip.livekit.cloud:5060', 'example.sip.livekit.cloud:5060', false],
    ['sip.example.com', 'sip.example.com', false],
    ['sip.example.com:5061', 'sip.example.com:5061', true],
    ['2001:db8::9', '[2001:db8::9]', false],
  ])('tell where carriers send calls, and whether over TLS: %s', (LIVEKIT_SIP_HOST, sip_host, is_tls) => {
    const LIVEKIT_URL = sip_host.includes('livekit.cloud') ? production.LIVEKIT_URL : 'https://livekit.example.com';
    expect(readConfig({ ...production, LIVEKIT_URL, LIVEKIT_SIP_HOST }).livekit?.sip_host).toBe(sip_host);
    expect(takesTls(sip_host)).toBe(is_tls);
  });

  it('treat an empty value as not set', () => {
    expect(readConfig({ MONGODB_URI: '', PORT: '' })).toMatchObject({ port: 3000 });
    expect(readConfig({ MONGODB_URI: '' }).mongodb_uri).toBeUndefined();
  });

  it('listen on all addresses in production, and read everything that is set', () => {
    const config = readConfig({ ...production, TRUSTED_PROXIES: '10.0.0.0/8, 127.0.0.1', LEASE_SECONDS: '12.5' });
    expect(config).toMatchObject({
      production: true,
      host: '::',
      metrics_host: '127.0.0.1',
      trusted_proxies: ['10.0.0.0/8', '127.0.0.1'],
      lease_ms: 12_500,
    });
    expect([...(config.encryption_keys?.keys() ?? [])]).toEqual(['2026b', '2026a']);
  });

  it('report everything that is missing in production in one message', () => {
    const faults = faultsOf({ NODE_ENV: 'production', PORT: 'no' });
    for (const name of [
      'PORT',
      'MONGODB_URI',
      'LIVEKIT_URL',
      'LIVEKIT_API_KEY',
      'LIVEKIT_API_SECRET',
      'LIVEKIT_SIP_HOST',
      'ENCRYPTION_KEYS',
    ]) {
      expect(faults).toContain(name);
    }
  });

  it.each(['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET', 'LIVEKIT_SIP_HOST'] as const)(
    'refuse some LiveKit settings without %s',
    (missing) => {
      const { [missing]: _left_out, ...rest } = production;
      expect(faultsOf({ ...rest, NODE_ENV: 'development' })).toContain(
        `${missing} is required with the other LIVEKIT_ settings`,
      );
    },
  );

  it.each([
    ['PORT', '70000'],
    ['MONGODB_URI', 'localhost'],
    ['LIVEKIT_URL', 'example.livekit.cloud'],
    ['LIVEKIT_SIP_HOST', 'sip:example.sip.livekit.cloud'],
    ['ENCRYPTION_KEYS', 'short:c2hvcnQ='],
    ['ENCRYPTION_KEYS', `twice:${Buffer.alloc(32).toString('base64')},twice:${Buffer.alloc(32).toString('base64')}`],
    ['BOOTSTRAP_API_KEY', 'tl_live_short'],
    ['TWILIO_SIGNALLING_ADDRESSES', '54.172.60.0/33'],
    ['TWILIO_SIGNALLING_ADDRESSES', 'twilio.com'],
    ['TWILIO_SECURE_TRUNKING', 'perhaps'],
    ['TRUSTED_PROXIES', 'true'],
    ['TRUSTED_PROXIES', 'everyone'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '10.0.0.0/8,proxy.example'],
    ['TRUSTED_PROXIES', '1.5'],
    ['TRUSTED_PROXIES', ','],
    ['TRUSTED_PROXIES', '0.0.0.0/0'],
    ['TRUSTED_PROXIES', '10.0.0.0/8,0.0.0.0/1,128.0.0.0/1'],
    ['TRUSTED_PROXIES', '0.0.0.0'],
    ['TWILIO_SIGNALLING_ADDRESSES', '54.172.60.0/30,0.0.0.0'],
    ['TWILIO_SIGNALLING_ADDRESSES', '::ffff:203.0.113.7'],
    ['TWILIO_SIGNALLING_ADDRESSES', '203.0.113.7,*'],
    ['LIVEKIT_URL', 'wss://a..b'],
    ['LIVEKIT_URL', 'https://256.1.1.1'],
    ['TWILIO_API_URL', 'http://-a.example'],
    ['LIVEKIT_SIP_HOST', 'a..b'],
    ['LIVEKIT_SIP_HOST', '256.1.1.1'],
    ['LIVEKIT_SIP_HOST', '1.2.3'],
    ['LIVEKIT_SIP_HOST', '0.0.0.0'],
    ['LIVEKIT_SIP_HOST', 'sip.example.com:0'],
    ['LIVEKIT_SIP_HOST', 'sip.example.com:65536'],
    ['MONGODB_URI', 'mongodb://256.1.1.1:27017/trunkline'],
    ['MONGODB_URI', 'mongodb://user:pass@a,b..c/trunkline'],
    ['HOST', '256.0.0.1'],
    ['METRICS_HOST', 'a b'],
    ['ANONYMOUS_RATE_LIMIT_RPS', '0'],
    ['MAX_CONNECTIONS', '0'],
    ['REQUEST_TIMEOUT_SECONDS', '0'],
    ['RESPONSE_TIMEOUT_SECONDS', 'soon'],
    ['RATE_LIMIT_RPS', '0'],
    ['LEASE_SECONDS', '-1'],
    ['LOG_LEVEL', 'loud'],
    ['NODE_ENV', 'prod'],
  ])('refuse %s=%s', (name, value) => {
    expect(faultsOf({ ...production, [name]: value })).toMatch(new RegExp(`^ {2}${name} (must|names) `, 'm'));
  });

  it('report what is wrong, with an example that works', () => {
    const settingsWithExamples = Object.entries<Setting>(settings).filter(([, { example }]) => example !== undefined);
    for (const [name, { type, example = '' }] of settingsWithExamples) {
      const written = example
        .replace('$(openssl rand -base64 32)', Buffer.alloc(32).toString('base64'))
        .replace('$(openssl rand -hex 32)', '0'.repeat(64));
      expect(type.safeParse(written), name).toMatchObject({ success: true });
    }
    expect(faultsOf({ ...production, LIVEKIT_URL: 'no' })).toBe(
      'Invalid configuration. Fix these environment variables and restart:\n  LIVEKIT_URL must be a URL, as in wss://example.livekit.cloud',
    );
  });

  it('are read under their names in lower case, with times in milliseconds', () => {
    expect(readConfig({ PROVIDER_TIMEOUT_SECONDS: '0.4', MAX_CONNECTIONS: '7' })).toMatchObject({
      provider_timeout_ms: 400,
      max_connections: 7,
    });
  });

  it('refuse a lease that is too short for a call, in production too', () => {
    expect(faultsOf({ ...production, LEASE_SECONDS: '5' })).toContain(
      'LEASE_SECONDS must be above PROVIDER_TIMEOUT_SECONDS',
    );
  });

  it('refuse a deadline that is too short for a call', () => {
    expect(faultsOf({ IMPORT_DEADLINE_SECONDS: '10' })).toContain(
      'IMPORT_DEADLINE_SECONDS must be above PROVIDER_TIMEOUT_SECONDS',
    );
  });

  it.each([
    'mongodb://a:1,b:2,c:3/trunkline?replicaSet=rs0',
    'mongodb+srv://user:p%40ss@cluster.example/trunkline',
    'mongodb://127.0.0.1:27017/trunkline',
    'mongodb://[::1]:27017,mongo_2:27017/trunkline',
    'mongodb://%2Ftmp%2Fmongodb-27017.sock/trunkline',
    'mongodb://user:p%40ss@a.example',
  ])('accept a database at %s', (MONGODB_URI) => {
    expect(readConfig({ MONGODB_URI }).mongodb_uri).toBe(MONGODB_URI);
  });

  it.each([
    ['2', 2],
    ['loopback', ['loopback']],
    ['10.0.0.0/8, 2001:db8::/32', ['10.0.0.0/8', '2001:db8::/32']],
  ])('accept proxies given as %s', (TRUSTED_PROXIES, trusted_proxies) => {
    expect(readConfig({ TRUSTED_PROXIES }).trusted_proxies).toEqual(trusted_proxies);
  });

  it('allow all addresses with a star, or with a list that lets everyone in', () => {
    expect(readConfig({ TWILIO_SIGNALLING_ADDRESSES: '*' }).twilio_signalling_addresses).toEqual([]);
    for (const everyone of ['0.0.0.0/0', '0.0.0.0/1,128.0.0.0/1', '::/0'])
      expect(readConfig({ TWILIO_SIGNALLING_ADDRESSES: everyone }).twilio_signalling_addresses).toEqual([]);
    expect(readConfig({}).twilio_signalling_addresses).toContain('54.172.60.0/30');
    expect(
      readConfig({ TWILIO_SIGNALLING_ADDRESSES: '203.0.113.0/24,2001:db8::1' }).twilio_signalling_addresses,
    ).toEqual(['203.0.113.0/24', '2001:db8::1']);
  });
});
