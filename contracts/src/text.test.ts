import { describe, expect, it } from 'vitest';
import { CreateApiKey } from './api-key.ts';
import { CreateIntegration } from './integration.ts';
import { AgentId, AssignPhoneNumber, ImportPhoneNumber } from './phone-number.ts';
import { text } from './text.ts';

const messagesOf = (given: unknown, schema: { safeParse: ReturnType<typeof text>['safeParse'] } = text(64)) =>
  schema.safeParse(given).error?.issues.map(({ message }) => message) ?? [];

describe('a text for people', () => {
  it.each([
    ['a right-to-left override', '\u202e', 'U+202E'],
    ['a left-to-right mark', '\u200e', 'U+200E'],
    ['an isolate', '\u2066', 'U+2066'],
    ['an Arabic letter mark', '\u061c', 'U+061C'],
    ['a zero-width space', '\u200b', 'U+200B'],
    ['a zero-width joiner', '\u200d', 'U+200D'],
    ['a word joiner', '\u2060', 'U+2060'],
    ['a byte order mark', '\ufeff', 'U+FEFF'],
    ['a soft hyphen', '\u00ad', 'U+00AD'],
    ['a line separator', '\u2028', 'U+2028'],
    ['an invisible tag', '\u{e0041}', 'U+E0041'],
    ['a lone surrogate', '\ud800', 'U+D800'],
    ['a control character', '\u0007', 'U+0007'],
    ['a line break', '\n', 'U+000A'],
  ])('is refused with %s, which is named by its code point', (_what, character, code_point) => {
    expect(messagesOf(`pay${character}pal`)).toEqual([`must not contain the character ${code_point}`]);
  });

  it.each(['Zoë & Søn', 'مرحبا', '日本語', 'O\u2019Brien “quoted”', '👍🏽', 'a'.repeat(64)])('takes %s', (given) => {
    expect(messagesOf(given)).toEqual([]);
  });

  it('is required for every name', () => {
    const hidden = 'a\u200bb';
    const credentials = { provider: 'twilio', account_sid: `AC${'0'.repeat(32)}`, auth_token: 'x' };
    const sip = { provider: 'sip', phone_number: '+15551230000', sip_username: 'u', sip_password: 'p' };
    for (const [field, { error }] of Object.entries({
      name: CreateApiKey.safeParse({ name: hidden, role: 'user' }),
      'name ': CreateIntegration.safeParse({ name: hidden, credentials }),
      agent_id: ImportPhoneNumber.safeParse({ ...sip, agent_id: hidden }),
      sip_trunk_name: ImportPhoneNumber.safeParse({ ...sip, sip_trunk_name: hidden }),
      sip_username: ImportPhoneNumber.safeParse({ ...sip, sip_username: hidden }),
      sip_password: ImportPhoneNumber.safeParse({ ...sip, sip_password: hidden }),
    })) {
      expect(error?.issues).toEqual([expect.objectContaining({ path: [field.trim()] })]);
      expect(error?.issues[0]?.message).toContain('U+200B');
    }
    expect(AgentId.safeParse(hidden).success).toBe(false);
  });
});

describe('a name that must match exactly at a worker or carrier', () => {
  const sip = { provider: 'sip', phone_number: '+15551230000', sip_password: 'p' };
  it.each([
    [' ', 'U+0020'],
    ['agent ', 'U+0020'],
    [' agent', 'U+0020'],
    ['agent\u00a0', 'U+00A0'],
    ['\u3000agent', 'U+3000'],
  ])('is refused with a blank at its beginning or end: %j', (name, code_point) => {
    const message = `must not begin or end with a blank (${code_point})`;
    expect(messagesOf(name, AgentId)).toEqual([message]);
    expect(messagesOf(name, AssignPhoneNumber.shape.agent_id)).toEqual([message]);
    const named = ImportPhoneNumber.safeParse({ ...sip, sip_username: name, agent_id: name });
    expect(named.error?.issues.map(({ path }) => path.join('.')).toSorted()).toEqual(['agent_id', 'sip_username']);
  });

  it.each(['inbound-agent', 'Inbound agent', 'агент'])('may be %s', (name) => {
    expect(messagesOf(name, AgentId)).toEqual([]);
  });
});

describe('a SIP user name', () => {
  const faultsOf = (sip_username: string) =>
    ImportPhoneNumber.safeParse({
      provider: 'sip',
      phone_number: '+15551230000',
      sip_username,
      sip_password: 'pass',
    }).error?.issues.map(({ message }) => message) ?? [];

  it.each([
    ['"', 'U+0022 (")'],
    ["'", "U+0027 (')"],
    ['<', 'U+003C (<)'],
    ['>', 'U+003E (>)'],
    [';', 'U+003B (;)'],
    ['\\', 'U+005C (\\)'],
  ])('is refused with %s, which would end it inside a SIP header', (character, named) => {
    expect(faultsOf(`alice${character}transport=tcp`)).toEqual([`must not contain the character ${named}`]);
  });

  it.each(['alice', '+15551230000', 'alice@example.com', 'alice.smith_7-x'])('may be %s', (name) => {
    expect(faultsOf(name)).toEqual([]);
  });
});
