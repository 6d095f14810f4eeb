import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../chaos/processes.ts';
import { uniqueDatabase } from '../open-service.ts';
import { readWorld } from '../world.ts';
import { accept, type Outcome } from './accept.ts';
import { type Recording, recordingOf } from './recording.ts';
import { openRehearsal, type Rehearsal } from './rehearsal.ts';
import { replay } from './replay.ts';
import { reportOf } from './report.ts';
import { readSettings } from './settings.ts';

const main = join(import.meta.dirname, 'main.ts');
const recordings = join(import.meta.dirname, 'recordings');
const read = (name: string): Recording => JSON.parse(readFileSync(join(recordings, name), 'utf8'));

// Each is a whole acceptance run, including a start of the service.
const LONG = { timeout: 180_000 };

const rehearse = () => openRehearsal({ mongodb_uri: uniqueDatabase() });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-acceptance-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const never = new AbortController().signal;
const play = (rehearsal: Rehearsal, more: { signal?: AbortSignal; at_once?: AbortSignal } = {}): Promise<Outcome> =>
  accept(rehearsal.settings, { folder, say: () => {}, signal: never, at_once: never, ...more });

/** The requests and their statuses, without ids. */
const stepsOf = ({ exchanges }: Recording): string[] =>
  exchanges
    .map(({ vendor, method, path, status }) => `${vendor} ${method} ${path} ${status}`)
    .map((line) => line.replaceAll(/\b[A-Z]{2}[0-9a-f]{32}\b/g, '*'))
    .toSorted();

const expectAsBefore = async ({ sandbox }: Rehearsal) => {
  const { inbound, outbound, rules, trunks, lists, numbers } = await readWorld({ sandbox });
  expect({ inbound, outbound, rules, trunks, lists }).toEqual({
    inbound: [],
    outbound: [],
    rules: [],
    trunks: [],
    lists: [],
  });
  expect(numbers).toMatchObject([{ trunk_sid: null, voice_url: expect.stringContaining('a-token-of-theirs') }]);
};

describe('an acceptance run with the stand-ins', LONG, () => {
  let rehearsal: Rehearsal;
  let outcome: Outcome;
  beforeAll(async () => {
    rehearsal = await rehearse();
    outcome = await play(rehearsal);
  }, 180_000);
  afterAll(() => rehearsal[Symbol.asyncDispose]());

  it('finds every promise kept, and leaves nothing', async () => {
    expect(outcome.promises.filter(({ kept }) => !kept)).toEqual([]);
    expect(outcome.promises.length).toBeGreaterThan(15);
    expect(outcome.left).toEqual([]);
    await expectAsBefore(rehearsal);
  });

  it('has a report without secrets', () => {
    const report = reportOf(outcome, rehearsal.settings);
    expect(report).toContain('| Twilio routes the number exactly as before | yes | All 6 fields are equal. |');
    expect(report).toContain('Nothing of it is left at Twilio or LiveKit.');
    for (const secret of [rehearsal.settings.secret, 'a-token-of-theirs']) expect(report).not.toContain(secret);
  });

  it('has a recording without anything private', () => {
    const { settings, sandbox } = rehearsal;
    const recording = JSON.stringify(recordingOf(outcome.exchanges, settings));
    const passed = JSON.stringify(outcome.exchanges);
    const password = /Password=([^&"]+)/.exec(passed)?.[1];
    const hidden = {
      account: settings.account_sid,
      // Twilio returns it when the account is read.
      token: settings.secret,
      number: settings.phone_number.slice(2),
      voice_url: 'a-token-of-theirs',
      password: password ?? 'a password',
    };
    for (const [what, secret] of Object.entries(hidden)) {
      expect({ what, passed: passed.includes(secret), recorded: recording.includes(secret) }).toEqual({
        what,
        passed: true,
        recorded: false,
      });
    }
    expect(recording.includes(sandbox.livekit.api_secret)).toBe(false);
  });

  it('has its recording refused if anything private is left', () => {
    const said = (body: string) => [{ ...outcome.exchanges[0]!, answer: { status: 200, type: '', body } }];
    const { settings } = rehearsal;
    const spelt = settings.phone_number.replace(/^\+1(...)(...)(....)$/, '($1) $2-$3');
    expect(() => recordingOf(said(JSON.stringify({ comment: spelt })), settings)).toThrow(/still holds the number/);
    expect(() => recordingOf(said(JSON.stringify({ comment: 'hello' })), settings)).not.toThrow();
  });

  it('makes the calls of the stored recording: record it again if they changed', () => {
    // npx -y pnpm acceptance --rehearse --yes
    expect(stepsOf(recordingOf(outcome.exchanges, rehearsal.settings))).toEqual(stepsOf(read('stand-ins.json')));
  });

  it('can be replayed', async () => {
    expect(await replay(recordingOf(outcome.exchanges, rehearsal.settings))).toEqual([]);
  });
});

describe('a stored recording', LONG, () => {
  it.each(readdirSync(recordings))('%s gets the same answers from the stand-ins', async (name) => {
    expect(await replay(read(name))).toEqual([]);
  });

  const other = (change: (recording: Recording) => void) => {
    const recording = read('stand-ins.json');
    change(recording);
    return replay(recording);
  };
  const trunkOf = ({ exchanges }: Recording) =>
    exchanges.find(({ path, method }) => method === 'POST' && path === '/v1/Trunks')!;

  it('fails if the stand-in answers differently', async () => {
    const [status] = await other((recording) => {
      trunkOf(recording).status = 400;
    });
    expect(status).toMatch(/^\d+\. twilio POST \/v1\/Trunks: 400 was answered, and here 201$/);
    const fields = await other((recording) => {
      Object.assign(Object(trunkOf(recording).answer), { secure: 'yes', disaster_recovery: 1 });
    });
    expect(fields).toEqual([
      expect.stringMatching(/secure was "yes", and is false$/),
      expect.stringMatching(/disaster_recovery is missing here$/),
    ]);
    const fewer = await other((recording) => {
      Reflect.deleteProperty(Object(trunkOf(recording).answer), 'secure');
    });
    expect(fewer).toEqual([expect.stringMatching(/secure is here alone$/)]);
  });
});

describe('an acceptance run that is interrupted', LONG, () => {
  it.each(['livekit.CreateSIPDispatchRule', 'twilio.createTrunk', 'twilio.updateNumber', 'livekit.DeleteSIPTrunk'])(
    'during %s removes what was made, and leaves nothing',
    async (call) => {
      await using rehearsal = await rehearse();
      const { faults } = rehearsal.sandbox;
      const interrupted = new AbortController();
      faults.add({ call, kind: 'hold_after' }, () => {
        interrupted.abort(new Error('Interrupted.'));
        void faults.holding().then(() => faults.release());
      });
      const { left } = await play(rehearsal, { signal: interrupted.signal });
      expect(interrupted.signal.aborted).toBe(true);
      expect(left).toEqual([]);
      await expectAsBefore(rehearsal);
    },
  );

  it('says exactly what is left if it is interrupted again', async () => {
    await using rehearsal = await rehearse();
    const { faults } = rehearsal.sandbox;
    const [interrupted, at_once] = [new AbortController(), new AbortController()];
    // The agent is assigned, so the number is imported. From then on Twilio is down.
    faults.add({ call: 'livekit.UpdateSIPDispatchRule', kind: 'hold_after' }, () => {
      faults.add({ call: 'twilio.', kind: 'answer', status: 503, times: 1000 }, () =>
        at_once.abort(new Error('interrupted')),
      );
      interrupted.abort(new Error('Interrupted.'));
      void faults.holding().then(() => faults.release());
    });
    const { left } = await play(rehearsal, { signal: interrupted.signal, at_once: at_once.signal });
    const { trunks, lists, inbound, outbound, rules } = await readWorld(rehearsal);
    const told = left.at(-1);
    expect(told).toMatch(/^By what passed, these are there: /);
    const there = [
      ...[...trunks, ...lists].map(({ sid }) => sid),
      ...[...inbound, ...outbound].map(({ sipTrunkId }) => sipTrunkId),
      ...rules.map(({ sipDispatchRuleId }) => sipDispatchRuleId),
    ];
    expect(there.length).toBe(5);
    for (const id of there) expect(told).toContain(id);
    expect(left[0]).toMatch(/^The service has not released the number: /);
  });
});

describe('npx -y pnpm acceptance', LONG, () => {
  it('names every missing setting and where to find it', () => {
    expect(() => readSettings({ TWILIO_ACCOUNT_SID: 'AC1' })).toThrow(
      /^Set these environment variables.*\n {2}TWILIO_AUTH_TOKEN .*\n {2}TWILIO_PHONE_NUMBER .*\n {2}LIVEKIT_URL /,
    );
    const key = { TWILIO_API_KEY_SID: 'SK1', TWILIO_API_KEY_SECRET: 'a-secret' };
    expect(() => readSettings(key)).not.toThrow(/TWILIO_AUTH_TOKEN/);
  });

  it('changes nothing before it is confirmed: it says what it would do, and asks for --yes', async () => {
    await using rehearsal = await rehearse();
    const { settings, sandbox } = rehearsal;
    const env = {
      PATH: process.env.PATH ?? '',
      TWILIO_ACCOUNT_SID: settings.account_sid,
      TWILIO_AUTH_TOKEN: settings.secret,
      TWILIO_PHONE_NUMBER: settings.phone_number,
      TWILIO_API_URL: sandbox.url,
      LIVEKIT_URL: sandbox.url,
      LIVEKIT_API_KEY: sandbox.livekit.api_key,
      LIVEKIT_API_SECRET: sandbox.livekit.api_secret,
      LIVEKIT_SIP_HOST: settings.livekit.sip_host,
    };
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    expect(out).toContain(`It sends the calls of ${settings.phone_number} there`);
    expect(err).toContain('Nothing was changed. To begin, run it again with --yes.');
    expect(child.exitCode).toBe(2);
    expect(sandbox.faults.calls).toEqual([]);
  });

  it('removes what was made at Ctrl-C, and says so', async () => {
    const evening = start(process.execPath, [main, '--rehearse', '--yes', '--folder', join(folder, 'interrupted')]);
    await evening.line(/^kept {4}One call imports the number/);
    evening.child.kill('SIGINT');
    expect(await evening.exit()).toBe(130);
    expect(evening.lines).toContain('Interrupted: what was made is taken away.');
    expect(evening.lines).toContain('Nothing of it is left at Twilio or LiveKit.');
  });
});
