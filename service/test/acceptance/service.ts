import { join } from 'node:path';
import { readConfig } from '../../src/config/index.ts';
import { drawApiKey } from '../../src/organizations/raw-key.ts';
import { run } from '../../src/run.ts';
import { until } from '../chaos/processes.ts';
import type { Recorder } from './recorder.ts';
import type { AcceptanceSettings } from './settings.ts';

export interface Answered {
  status: number;
  // Answers of every shape are read.
  body: any;
}

interface Finding {
  check: string;
  state: 'ok' | 'warning' | 'failed';
  said: string;
}

/** The service as its users see it, over HTTP. */
export interface Trunkline extends AsyncDisposable {
  installation_id: string;
  ask(method: string, path: string, body: object | undefined, signal: AbortSignal): Promise<Answered>;
  /** The findings of its start, once all checks are done. */
  findings(): Promise<Finding[]>;
}

const states: Record<string, Finding['state']> = {
  check_passed: 'ok',
  check_warned: 'warning',
  check_failed: 'failed',
};

/** The service in this process as `pnpm start` runs it, with the recorder between it and the vendors. */
export const openTrunkline = async (
  settings: AcceptanceSettings,
  recorder: Pick<Recorder, 'twilio_url' | 'livekit_url'>,
  { folder, signal }: { folder: string; signal: AbortSignal },
): Promise<Trunkline> => {
  const api_key = drawApiKey();
  const { url, api_key: key, api_secret, sip_host } = settings.livekit;
  const config = readConfig({
    NODE_ENV: 'development',
    PORT: '0',
    METRICS_PORT: '0',
    DATA_DIR: join(folder, 'data'),
    LIVEKIT_URL: url,
    LIVEKIT_API_KEY: key,
    LIVEKIT_API_SECRET: api_secret,
    LIVEKIT_SIP_HOST: sip_host,
    BOOTSTRAP_API_KEY: api_key,
    TWILIO_API_URL: recorder.twilio_url,
    MONGODB_URI: settings.mongodb_uri,
    PATH: process.env.PATH,
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME,
  });
  if (config.livekit === undefined) throw new Error('The LIVEKIT_ settings are missing');
  const logged: { event?: string; check?: string; msg?: string; installation_id?: string }[] = [];
  const log = { write: (line: string) => void logged.push(JSON.parse(line)) };
  // Set here, because the settings do not allow replacing the URL of LiveKit Cloud.
  const recorded = { ...config, livekit: { ...config.livekit, url: recorder.livekit_url } };
  const running = await run(recorded, { say: () => {}, log, signal });
  const base = `http://127.0.0.1:${running.port}`;
  const headers = { 'X-API-Key': api_key, 'Content-Type': 'application/json' };
  const me: any = await (await fetch(`${base}/api/me`, { headers })).json();
  const identified = { ...headers, 'X-Organization-Id': me.data.organization_id };
  return {
    installation_id: logged.find(({ event }) => event === 'ready')?.installation_id ?? '',
    ask: async (method, path, body, until_aborted) => {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: identified,
        ...(body && { body: JSON.stringify(body) }),
        signal: until_aborted,
      });
      const said = await response.text();
      return { status: response.status, body: said === '' ? undefined : JSON.parse(said) };
    },
    findings: async () => {
      const found = () =>
        logged.flatMap(({ event = '', check = '', msg = '' }): Finding[] => {
          const state = states[event];
          return state === undefined ? [] : [{ check, state, said: msg }];
        });
      // All findings are logged together, and this one is the last.
      await until('the start has checked', async () => found().some(({ check }) => check === 'credentials'));
      return found();
    },
    [Symbol.asyncDispose]: () => running.stop(),
  };
};
