import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Faults } from '../../src/sandbox/faults.ts';

/** Identifies a call on its way to a provider. */
const HEADER = 'x-call-under-way';
/** A call that is to take effect has done so within this time. */
const ACTED_WITHIN_MS = 20;

const underWay = new Map<string, AbortController>();
const received = new AsyncLocalStorage<string | undefined>();
let asked = 0;

subscribe('http.server.request.start', (message) => {
  const { headers } = (message as { request: IncomingMessage }).request;
  received.enterWith(headers[HEADER]?.toString());
});

/** Any request with a time limit can be made to time out early. */
const send = globalThis.fetch;
globalThis.fetch = async (to, init) => {
  if (!init?.signal) return send(to, init);
  const name = `${++asked}`;
  const silence = new AbortController();
  underWay.set(name, silence);
  const signal = AbortSignal.any([init.signal, silence.signal]);
  try {
    return await send(to, { ...init, signal, headers: { ...init.headers, [HEADER]: name } });
  } finally {
    underWay.delete(name);
  }
};

/** Nobody waits for a silent provider: `turn` sets the clock forward by the time limit of a call, and its sender times out. */
export const timeOutWhereSilent = (faults: Faults, turn: () => void): void => {
  const { take } = faults;
  faults.take = (call) => {
    const fault = take(call);
    if (fault?.kind.startsWith('hang')) letTimePass(turn);
    return fault;
  };
};

/** The call being received gets no answer: it times out for its sender as soon as it has taken effect. */
const letTimePass = (turn: () => void): void => {
  const silence = underWay.get(received.getStore() ?? '');
  // A replica that has died no longer waits.
  if (silence === undefined) return;
  setTimeout(() => {
    turn();
    silence.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  }, ACTED_WITHIN_MS);
};
