import type { Fault } from '../faults.ts';

/** The sandbox's page for people. The script fills the lists; `calls` are those that a fault can be armed for. */
export const pageOf = (calls: readonly string[]): string => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Trunkline sandbox</title>
  <link rel="icon" type="image/svg+xml" href="/sandbox/icon.svg">
  <link rel="stylesheet" href="/sandbox/page.css">
  <script type="module" src="/sandbox/page.js"></script>
</head>
<body>
  <header>
    <h1>Trunkline sandbox</h1>
    <p>What the stand-ins for Twilio and LiveKit hold, as it is now. Nothing here is real, and nobody is called.</p>
    <noscript><p>This page needs JavaScript. <code>curl</code> gets the same address as JSON.</p></noscript>
    <p id="verdict" role="status"></p>
  </header>
  <main>
    <section id="numbers" aria-labelledby="numbers-title">
      <h2 id="numbers-title">The path of each number</h2>
      <ul id="paths"></ul>
      <div id="left-over" hidden>
        <h2>On no number’s path</h2>
        <ul class="boxes"></ul>
      </div>
    </section>
    <div id="side">
      <section aria-labelledby="faults-title">
        <h2 id="faults-title">Make a call fail</h2>
        <p>Choose a call and how it fails, then import a number.</p>
        <div class="fields">
          <label for="call">Call</label>
          <select id="call">${optionsOf(calls)}</select>
          <label for="times">How often</label>
          <select id="times">
            <option value="1">the next time</option>
            <option value="3" selected>the next 3 times</option>
            <option value="10">the next 10 times</option>
          </select>
        </div>
        <div class="buttons" role="group" aria-label="How it fails">${faults.map(buttonOf).join('')}</div>
        <ul id="armed" aria-label="Faults that wait for a call"></ul>
        <button type="button" id="clear">Clear all faults</button>
        <p id="said" role="status"></p>
      </section>
      <section aria-labelledby="calls-title">
        <h2 id="calls-title">Latest calls</h2>
        <ol id="calls" reversed></ol>
      </section>
    </div>
  </main>
</body>
</html>
`;

const FIRST_CHOICE = 'livekit.CreateSIPDispatchRule';

const optionsOf = (calls: readonly string[]): string => {
  const isRead = (call: string) => /\.(list|fetch)/i.test(call);
  const sorted = calls.toSorted((a, b) => Number(isRead(a)) - Number(isRead(b)) || (a < b ? -1 : 1));
  const option = (call: string) =>
    `<option value="${call}"${call === FIRST_CHOICE ? ' selected' : ''}>${call || 'any call'}</option>`;
  const group = (label: string, prefix: string) =>
    `<optgroup label="${label}">${sorted
      .filter((call) => call.startsWith(prefix))
      .map(option)
      .join('')}</optgroup>`;
  return option('') + group('LiveKit', 'livekit.') + group('Twilio', 'twilio.');
};

interface FaultButton {
  name: string;
  fault: Partial<Fault> & Pick<Fault, 'kind'>;
}

const faults: readonly FaultButton[] = [
  // Has the code and message in the fields of both vendors.
  {
    name: 'Refused',
    fault: { kind: 'answer', status: 400, body: { code: 20_001, message: 'no', msg: 'no', status: 400 } },
  },
  {
    name: 'Busy',
    fault: {
      kind: 'answer',
      status: 429,
      body: { code: 20_429, message: 'slow down', msg: 'slow down', status: 429 },
      retry_after_seconds: 1,
    },
  },
  { name: 'Away', fault: { kind: 'answer', status: 503 } },
  { name: 'Silent', fault: { kind: 'hang_before' } },
  { name: 'Dropped', fault: { kind: 'drop_before' } },
  { name: 'Silent after acting', fault: { kind: 'hang_after' } },
  { name: 'Dropped after acting', fault: { kind: 'drop_after' } },
];

const buttonOf = ({ name, fault }: FaultButton): string =>
  `<button type="button" data-fault="${JSON.stringify(fault).replaceAll('"', '&quot;')}">${name}</button>`;

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#8a5a00"/><path d="M5 16h7m8 0h7" stroke="#fff" stroke-width="2.4"/><rect x="12" y="11" width="8" height="10" rx="2" fill="none" stroke="#fff" stroke-width="2.4"/></svg>
`;
