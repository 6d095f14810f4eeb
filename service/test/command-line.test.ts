import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createCaller, drawNumber, type OpenedService, openService } from './open-service.ts';
import { readWorld } from './world.ts';

const cli = join(import.meta.dirname, '../src/admin/cli.ts');
const mongodb_uri = inject('mongodb_uri').replace('/trunkline?', '/test_command_line?');

const run = (args: string[], environment: Record<string, string> = { MONGODB_URI: mongodb_uri }) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile(process.execPath, [cli, ...args], { env: environment, timeout: 30_000 }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });

describe('trunkline numbers release', () => {
  const uri = mongodb_uri.replace('test_command_line', 'test_release_line');
  let service: OpenedService;
  beforeAll(async () => {
    service = await openService({ mongodb_uri: uri });
  });
  afterAll(() => service.close());

  /** A SIP number that somebody has imported and assigned. */
  const squatted = async () => {
    const caller = await service.newOrganization();
    const phone_number = drawNumber();
    const sip = { phone_number, provider: 'sip', supports_inbound: true, agent_id: 'reception' } as const;
    const { data } = await caller.client.phoneNumbers.import.mutate(sip);
    return { phone_number, path: `/api/phone-numbers/${data.phone_number_id}`, caller };
  };

  it('makes the running service release a number, whichever organization holds it', async () => {
    const { phone_number, path, caller } = await squatted();
    const ended = run(['numbers', 'release', phone_number, '--any-organization'], { MONGODB_URI: uri });
    const turning = setInterval(() => void service.reconciler.turn(), 200);
    const { code, out } = await ended.finally(() => clearInterval(turning));
    expect({ code, out }).toEqual({ code: 0, out: `${phone_number} is released.\n` });
    expect((await caller.rest('GET', path)).status).toBe(404);
    const event = await service.connection.collection('events').findOne({ type: 'phone_number.released' });
    expect(event).toMatchObject({ actor: { system: 'command_line' }, request_id: null, changes: { phone_number } });
    expect((await readWorld(service)).inbound).toEqual([]);
  });

  it.each([
    { args: ['numbers', 'release', '+15550001111'], said: /^Usage: / },
    { args: ['numbers', 'release', '15550001111', '--any-organization'], said: /^Usage: / },
    {
      args: ['numbers', 'release', '+15550001111', '--any-organization'],
      said: /No organization holds \+15550001111\.$/m,
    },
  ])('refuses $args with a sentence and exit code 1', async ({ args, said }) => {
    const { code, out, err } = await run(args, { MONGODB_URI: uri });
    expect({ code, out, err }).toMatchObject({ code: 1, out: '', err: expect.stringMatching(said) });
    expect(err).not.toContain('    at ');
  });
});

describe('trunkline organizations create', () => {
  let service: OpenedService;
  beforeAll(async () => {
    service = await openService({ mongodb_uri });
  });
  afterAll(() => service.close());

  it('creates an organization beside the existing ones, and prints an admin key for it', async () => {
    const { code, out } = await run(['organizations', 'create', '--name', ' Acme ']);
    expect(code).toBe(0);
    const [, organization_id = ''] = /^Organization +(org_[0-9a-f]{12})$/m.exec(out) ?? [];
    const [, apiKey = ''] = /^API key +(tl_live_\S{38}) \(admin/m.exec(out) ?? [];
    const { body } = await createCaller({ url: service.url, apiKey, organizationId: organization_id }).rest(
      'GET',
      '/api/me',
    );
    expect(body.data).toMatchObject({ organization_id, organization_name: 'Acme', role: 'admin' });
    expect(organization_id).not.toBe(service.admin.organization_id);
  });

  it('does not upgrade the database, because replicas of the earlier version may still use it', async () => {
    const installations = service.connection.collection('installations');
    const { schema } = (await installations.findOne({}))!;
    await installations.updateOne({}, { $set: { schema: 2 } });
    const { code, err } = await run(['organizations', 'create', '--name', 'Acme']);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('start the service of this one') });
    expect(await installations.findOne({})).toMatchObject({ schema: 2 });
    await installations.updateOne({}, { $set: { schema } });
  });

  it.each([
    { args: [], said: /^Usage: trunkline organizations create/ },
    { args: ['organizations', 'create'], said: /^Usage: / },
    { args: ['organizations', 'create', '--name', ' '], said: /^Usage: / },
    { args: ['organizations', 'delete', '--name', 'Acme'], said: /^Usage: / },
    { args: ['organizations', 'create', '--nane', 'Acme'], said: /^Unknown option '--nane'/ },
  ])('refuses $args with a sentence and exit code 1', async ({ args, said }) => {
    const { code, out, err } = await run(args);
    expect({ code, out, err }).toMatchObject({ code: 1, out: '', err: expect.stringMatching(said) });
    expect(err).not.toContain('    at ');
  });

  it.each([
    { environment: {}, said: /^MONGODB_URI is required/ },
    {
      environment: { MONGODB_URI: 'postgres://localhost' },
      said: /MONGODB_URI must be a MongoDB connection string, as in mongodb:/,
    },
    {
      environment: {
        MONGODB_URI: mongodb_uri,
        LIVEKIT_URL: 'wss://another.livekit.cloud',
        LIVEKIT_API_KEY: 'k',
        LIVEKIT_API_SECRET: 's',
        LIVEKIT_SIP_HOST: 'another.sip.livekit.cloud',
      },
      said: /^This database belongs to the LiveKit project sandbox, not another.livekit.cloud/,
    },
  ])('refuses the settings $environment', async ({ environment, said }) => {
    const { code, err } = await run(['organizations', 'create', '--name', 'Acme'], environment);
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringMatching(said) });
  });
});

describe('trunkline livekit rename', () => {
  const uri = mongodb_uri.replace('test_command_line', 'test_rename_line');
  let service: OpenedService;
  beforeAll(async () => {
    service = await openService({ mongodb_uri: uri });
  });
  afterAll(() => service.close());

  const installations = () => service.connection.collection('installations');
  const call = (project: string) => installations().updateOne({}, { $set: { project } });
  const isCalled = async () => (await installations().findOne({}))?.project as string;
  const settings = (host = '127.0.0.1') => {
    const { url, api_key, api_secret } = service.sandbox.livekit;
    return {
      MONGODB_URI: uri,
      LIVEKIT_URL: url.replace('127.0.0.1', host),
      LIVEKIT_API_KEY: api_key,
      LIVEKIT_API_SECRET: api_secret,
      LIVEKIT_SIP_HOST: 'sip.example.com',
    };
  };
  const here = () => new URL(service.sandbox.livekit.url).host;

  it('is not needed if only the spelling of a name differs', async () => {
    await call(here());
    for (const host of ['localhost', 'LOCALHOST.']) {
      const { code, err } = await run(['organizations', 'create', '--name', 'Acme'], settings(host));
      expect({ code, err }).toEqual({ code: 0, err: '' });
    }
  });

  it('is suggested when the start is refused, and stores the new name of the same LiveKit', async () => {
    await call('livekit.internal:7880');
    const sip = { phone_number: drawNumber(), provider: 'sip', supports_inbound: true } as const;
    await service.admin.client.phoneNumbers.import.mutate(sip);
    const refused = await run(['organizations', 'create', '--name', 'Acme'], settings());
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('run: trunkline livekit rename') });
    const { code, out } = await run(['livekit', 'rename'], settings());
    const renamed = `This database belongs to the LiveKit project ${here()} now. It was called livekit.internal:7880.\n`;
    expect({ code, out }).toEqual({ code: 0, out: renamed });
    expect((await run(['organizations', 'create', '--name', 'Acme'], settings())).code).toBe(0);
  });

  it('refuses a LiveKit that has nothing of this database, unless forced', async () => {
    await call('livekit.internal:7880');
    for (const { sipTrunkId = '' } of (await readWorld(service)).inbound) {
      await service.sandbox.shelf.remove('livekit.inbound_trunk', sipTrunkId);
    }
    const { code, err } = await run(['livekit', 'rename'], settings());
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('so it is another LiveKit project') });
    expect(await isCalled()).toBe('livekit.internal:7880');
    expect((await run(['livekit', 'rename', '--force'], settings())).code).toBe(0);
    expect(await isCalled()).toBe(here());
  });

  it("never turns the sandbox into a real LiveKit, and needs LiveKit's settings", async () => {
    await call('sandbox');
    const { code, err } = await run(['livekit', 'rename', '--force'], settings());
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('the sandbox is not a LiveKit project') });
    const without = await run(['livekit', 'rename'], { MONGODB_URI: uri });
    expect(without).toMatchObject({ code: 1, err: expect.stringMatching(/^LIVEKIT_URL is required/) });
    expect(await isCalled()).toBe('sandbox');
  });
});

describe('trunkline integrations move', () => {
  const uri = mongodb_uri.replace('test_command_line', 'test_move_line');
  const sip_host = 'moved.example.com:5061';
  const closing = new AsyncDisposableStack();
  afterAll(() => closing.disposeAsync());

  it('makes the running service move an account to another LIVEKIT_SIP_HOST, and warns of refused calls until then', async () => {
    const { sandbox, ...before } = closing.use(await openService({ mongodb_uri: uri }));
    const { clock, admin, connection } = before;
    const phone_number = drawNumber();
    const { integration_id } = await before.integrate(admin, [{ phone_number }]);
    const input = { provider: 'twilio', phone_number, integration_id, supports_inbound: true } as const;
    await admin.client.phoneNumbers.import.mutate(input);
    const elsewhere = { ...sandbox, livekit: { ...sandbox.livekit, sip_host } };
    const service = closing.use(await openService({ mongodb_uri: uri, clock, admin, sandbox: elsewhere }));
    const warnings = async () =>
      (await service.as(admin).client.integrations.get.query({ integration_id })).data.warnings;
    const inForce = async () => {
      const { urls, inbound, trunks } = await readWorld(service);
      return {
        url: urls.map((it) => Reflect.get(it, 'sip_url')),
        secure: trunks.map((it) => Reflect.get(it, 'secure')),
        encryption: inbound.map((it) => Reflect.get(it, 'mediaEncryption')),
      };
    };
    const former = { url: ['sip:sandbox.sip.invalid;transport=tcp'], secure: [false], encryption: [undefined] };
    expect(await inForce()).toEqual(former);
    expect(await warnings()).toEqual([expect.stringContaining(`trunkline integrations move ${integration_id}`)]);

    const { url, api_key, api_secret } = sandbox.livekit;
    await connection.collection('installations').updateOne({}, { $set: { project: new URL(url).host } });
    const ended = run(['integrations', 'move', integration_id], {
      MONGODB_URI: uri,
      LIVEKIT_URL: url,
      LIVEKIT_API_KEY: api_key,
      LIVEKIT_API_SECRET: api_secret,
      LIVEKIT_SIP_HOST: sip_host,
    });
    const turning = setInterval(() => void service.reconciler.turn(), 200);
    expect(await ended.finally(() => clearInterval(turning))).toEqual({
      code: 0,
      out: `Until this is done, calls to and from the numbers of this account may be refused.\n${integration_id} is moved.\n`,
      err: '',
    });
    expect(await inForce()).toEqual({
      url: [`sip:${sip_host};transport=tls`],
      secure: [true],
      encryption: ['SIP_MEDIA_ENCRYPT_REQUIRE'],
    });
    expect(await warnings()).toBeUndefined();
  });

  it.each([
    { args: ['intg_000000000000'], said: /^LIVEKIT_SIP_HOST is required/ },
    { args: [], said: /^Usage: / },
  ])('refuses $args with a sentence and exit code 1', async ({ args, said }) => {
    const { code, out, err } = await run(['integrations', 'move', ...args]);
    expect({ code, out, err }).toMatchObject({ code: 1, out: '', err: expect.stringMatching(said) });
  });
});

describe('trunkline secrets re-encrypt', () => {
  const keys = ['newer', 'test'].map((id, n) => `${id}:${Buffer.alloc(32, n === 0 ? 8 : 7).toString('base64')}`);

  it('re-encrypts the secrets while a service is running, and says how many', async () => {
    await using service = await openService({ mongodb_uri });
    const number = { provider: 'sip', phone_number: '+15557770001', supports_inbound: true, inbound_pin: '12345' };
    await service.admin.rest('POST', '/api/phone-numbers', number);
    const { code, out, err } = await run(['secrets', 're-encrypt'], {
      MONGODB_URI: mongodb_uri,
      ENCRYPTION_KEYS: keys.join(','),
    });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^[1-9][0-9]* secrets were moved to newer, and all are encrypted with it now\.\ntest can be removed now\./,
    );
  });

  it('needs the keys, and names what they cannot decrypt', async () => {
    const without = await run(['secrets', 're-encrypt']);
    expect(without).toMatchObject({ code: 1, err: expect.stringMatching(/^ENCRYPTION_KEYS is required/) });
    const other = { MONGODB_URI: mongodb_uri, ENCRYPTION_KEYS: `other:${Buffer.alloc(32, 9).toString('base64')}` };
    const { code, out } = await run(['secrets', 're-encrypt'], other);
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining('ENCRYPTION_KEYS has no key "newer"') });
  });
});
