/** A request that refers to resources by names, because each server generates its own ids. */
export interface DrawnRequest {
  method: string;
  body: object;
  /** If the request creates something, this becomes its name. */
  name: string;
}

export interface RandomRequests {
  draw(): DrawnRequest;
  /** Reports the result of a request, so that later ones refer to existing resources. */
  heard(request: DrawnRequest, status: number): void;
}

/** Random requests to LiveKit's SIP API, most of them valid. The same seed gives the same requests. */
export const createRandomRequests = (seed: number): RandomRequests => {
  const { one, some, digit, chance, fields } = createChoices(seed);
  const things: Record<string, string[]> = { InboundTrunk: [], OutboundTrunk: [], DispatchRule: [] };
  /** Usually an existing one. */
  const known = (kind: string) => (chance(0.9) ? one('unknown', ...(things[kind] ?? [])) : 'unknown');

  const text = () => one('', 'a', 'ä', '{"a":1}');
  const encryption = () => one(...['DISABLE', 'ALLOW', 'REQUIRE'].map((word) => `SIP_MEDIA_ENCRYPT_${word}`));
  const mediaTimeout = () => one('0s', '20s', '1.5s', '600s', '601s');
  const media = () => fields({ encryption, mediaTimeout, onlyListedCodecs: () => true });
  const numbers = () => some(`+1555000000${digit()}`, `1 (555) 000-00${digit()}${digit()}`, `+15550001${digit()}`);
  const callers = () => some('+1666', '1666', `+1777${digit()}`);
  const trunkIds = () => some(known('InboundTrunk'), known('InboundTrunk'), 'unknown');
  const address = () => one('sip.example.com', 'a:5061', 'b', '[::1]:5060', 'sip:a');
  const headers = () => one<object>({}, { 'X-A': 'b' }, { 'X-A': '' }, { 'X-B': 'ä' }, { 'bad name': 'x' });
  const secured = { name: text, metadata: text, authUsername: text, authPassword: text };
  const encrypted = { mediaEncryption: encryption, media };
  const rule = () =>
    one<object>(
      { dispatchRuleIndividual: { roomPrefix: 'call', pin: `${digit()}` } },
      { dispatchRuleIndividual: { pin: `${digit()}${digit()}`, noRandomness: true } },
      { dispatchRuleDirect: { roomName: 'room', pin: one('', '1') } },
      { dispatchRuleCallee: { roomPrefix: 'x', pin: `${digit()}`, randomize: true } },
      chance(0.2) ? {} : { dispatchRuleCallee: {} },
    );

  const whole: Record<string, () => object> = {
    InboundTrunk: () => ({
      numbers: numbers(),
      allowedAddresses: some('1.2.3.4', 'no address'),
      ...fields({
        ...secured,
        ...encrypted,
        allowedNumbers: callers,
        headers,
        authRealm: text,
        ringingTimeout: () => '30s',
      }),
    }),
    OutboundTrunk: () => ({
      numbers: [`+1555${digit()}`, ...numbers()],
      address: address(),
      ...fields({
        ...secured,
        ...encrypted,
        headers,
        fromHost: () => one('', 'h', 'sips:h'),
        transport: () => 'SIP_TRANSPORT_TLS',
      }),
    }),
    DispatchRule: () => ({
      rule: rule(),
      trunkIds: trunkIds(),
      ...fields({
        name: text,
        attributes: () => ({ a: 'b' }),
        inboundNumbers: callers,
        roomConfig: () => ({ agents: [{ agentName: 'x' }] }),
      }),
    }),
  };
  const list = (items: () => string[]) => () =>
    one<object>(
      { add: items() },
      { add: items(), remove: items() },
      { set: items() },
      { clear: true },
      { set: items(), clear: true },
    );
  const parts: Record<string, Record<string, () => unknown>> = {
    InboundTrunk: { ...secured, ...encrypted, authRealm: text, numbers: list(numbers), allowedNumbers: list(callers) },
    OutboundTrunk: { ...secured, ...encrypted, address, fromHost: text, numbers: list(numbers) },
    DispatchRule: { ...encrypted, name: text, rule, attributes: () => ({ a: one('', 'c') }), trunkIds: list(trunkIds) },
  };

  const acts: Record<string, (kind: string) => [method: string, body: object]> = {
    create: (kind) => {
      const made = whole[kind]?.() ?? {};
      if (kind !== 'DispatchRule') return [`CreateSIP${kind}`, { trunk: made }];
      // Either the older fields, or the newer whole object.
      return [`CreateSIP${kind}`, chance(0.5) ? made : { dispatchRule: { ...made, ...fields(encrypted) } }];
    },
    update: (kind) => {
      const named = kind === 'DispatchRule' ? { sipDispatchRuleId: known(kind) } : { sipTrunkId: known(kind) };
      const change = chance(0.7) ? { update: fields(parts[kind] ?? {}) } : { replace: whole[kind]?.() };
      return [`UpdateSIP${kind}`, { ...named, ...change }];
    },
    list: (kind) => {
      const byId =
        kind === 'DispatchRule'
          ? { dispatchRuleIds: () => [known(kind), known(kind)], trunkIds }
          : { trunkIds: () => [known(kind), known(kind)], numbers };
      return [`ListSIP${kind}`, fields(byId)];
    },
    delete: (kind) =>
      kind === 'DispatchRule'
        ? ['DeleteSIPDispatchRule', { sipDispatchRuleId: known(kind) }]
        : ['DeleteSIPTrunk', { sipTrunkId: known(kind) }],
  };

  let drawn = 0;
  return {
    draw: () => {
      const act = one('create', 'create', 'create', 'update', 'update', 'list', 'list', 'delete');
      const [method, body] = acts[act]?.(one(...Object.keys(things))) ?? ['', {}];
      return { method, body, name: `thing-${drawn++}` };
    },
    heard: ({ method, name }, status) => {
      const [, kind = ''] = /^CreateSIP(.*)$/.exec(method) ?? [];
      if (status === 200) things[kind]?.push(name);
    },
  };
};

const createChoices = (seed: number) => {
  const random = createRandom(seed);
  const chance = (likelihood: number) => random() < likelihood;
  return {
    chance,
    digit: () => Math.floor(random() * 10),
    one: <T>(...choices: T[]): T => {
      const chosen = choices[Math.floor(random() * choices.length)];
      if (chosen === undefined) throw new Error('There is nothing to choose from');
      return chosen;
    },
    some: (...choices: string[]) => choices.filter(() => chance(0.5)),
    /** A random selection of these fields, each with a new value. */
    fields: (choices: Record<string, () => unknown>) =>
      Object.fromEntries(
        Object.entries(choices)
          .filter(() => chance(0.3))
          .map(([field, value]) => [field, value()]),
      ),
  };
};

/** mulberry32: https://github.com/cprosche/mulberry32 */
const createRandom = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
