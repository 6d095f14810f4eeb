/** Shows what the sandbox holds, refreshes it, and arms faults. */
export const script = `const POLL_MS = 1000;
const SILENCE_MS = 5000;
const at = (id) => document.getElementById(id);

const make = (tag, name, ...content) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...content);
  return element;
};

const boxOf = ({ label, state, id, note }) => {
  const box = make('li', 'box ' + state, make('span', 'label', label));
  if (id) box.append(make('code', 'id', id));
  else if (state === 'none') box.append(make('span', 'id', 'none'));
  if (note) box.append(make('span', 'note', note));
  return box;
};

const pathOf = ({ phone_number, phone_number_id, provider, state, boxes, outbound }) => {
  const head = make('div', 'head', make('h3', '', phone_number), make('span', 'state', state));
  if (phone_number_id) head.append(make('code', 'note', phone_number_id));
  const path = make('ol', 'boxes path', ...boxes.map(boxOf));
  const out = boxOf(outbound);
  out.classList.add('outbound');
  path.append(out);
  const number = make('li', 'number ' + provider.toLowerCase() + ' ' + state.split(' ')[0], head, path);
  number.dataset.number = phone_number;
  return number;
};

const callOf = ({ nth, call, fault }) => {
  const line = make('li', fault ? 'faulty' : '', make('code', '', call));
  line.value = nth;
  if (fault) line.append(' ', make('span', 'fault', fault));
  return line;
};

// Only what has changed is drawn: what somebody has marked to copy stays marked.
const drawn = new Map();
const draw = (part, data, how) => {
  const text = JSON.stringify(data);
  if (drawn.get(part) === text) return;
  drawn.set(part, text);
  how(data);
};

const sayVerdict = ({ is_whole, says }) => {
  at('verdict').textContent = says;
  at('verdict').className = is_whole ? 'whole' : 'unfinished';
};

const show = ({ verdict, paths, left_over, calls, armed }) => {
  draw('verdict', verdict, sayVerdict);
  draw('paths', paths, () =>
    at('paths').replaceChildren(
      ...(paths.length ? paths.map(pathOf) : [make('li', 'empty', 'There is no number yet: connect an account, or import one.')]),
    ),
  );
  draw('left_over', left_over, () => {
    at('left-over').hidden = left_over.length === 0;
    at('left-over').querySelector('ul').replaceChildren(...left_over.map(boxOf));
  });
  draw('calls', calls, () =>
    at('calls').replaceChildren(...(calls.length ? calls.map(callOf) : [make('li', 'empty', 'None since the start.')])),
  );
  draw('armed', armed, () =>
    at('armed').replaceChildren(
      ...(armed.length ? armed.map((says) => make('li', 'fault', says)) : [make('li', 'empty', 'No fault waits for a call.')]),
    ),
  );
};

let next;
const poll = async () => {
  try {
    const response = await fetch('/sandbox/overview', { signal: AbortSignal.timeout(SILENCE_MS) });
    if (!response.ok) throw new Error(String(response.status));
    show(await response.json());
  } catch {
    draw('verdict', { is_whole: false, says: 'The sandbox does not answer. This page tries again by itself.' }, sayVerdict);
  }
  clearTimeout(next);
  if (!document.hidden) next = setTimeout(poll, POLL_MS);
};

document.addEventListener('visibilitychange', () => {
  clearTimeout(next);
  if (!document.hidden) poll();
});

const ask = async (method, body, done) => {
  try {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch('/sandbox/faults', { method, headers, body: body && JSON.stringify(body) });
    at('said').textContent = response.ok ? done : 'The sandbox refused: ' + (await response.text());
  } catch {
    at('said').textContent = 'The sandbox does not answer. Try again.';
  }
  await poll();
};

for (const button of document.querySelectorAll('[data-fault]')) {
  button.addEventListener('click', () => {
    const fault = { ...JSON.parse(button.dataset.fault), call: at('call').value, times: Number(at('times').value) };
    ask('POST', fault, 'Armed: now import a number, and watch its path.');
  });
}
at('clear').addEventListener('click', () => ask('DELETE', undefined, 'All faults are cleared.'));

poll();
`;
