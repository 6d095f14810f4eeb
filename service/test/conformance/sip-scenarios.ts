/** A call and its expected result, for sipp 3.6: https://sipp.readthedocs.io/en/latest/scenarios/ownscenarios.html */
export interface Call {
  /** Answers the digest challenge with this status, using the user and password given to sipp. */
  digest?: 401 | 407;
  /**
   * `ringing`: rings for `hold_ms`, then cancels; `refused`: 401; `silent`: no answer within `hold_ms`; `answered`: is
   * answered, and hangs up after `hold_ms`; `hung_up`: is answered, and the other side hangs up.
   */
  expect: 'ringing' | 'refused' | 'silent' | 'answered' | 'hung_up';
  hold_ms: number;
}

export const callScenario = ({ digest, expect, hold_ms }: Call): string => {
  const cseq = digest ? 2 : 1;
  return scenario(
    invite(1),
    ...(digest ? [provisional, `<recv response="${digest}" auth="true"/>`, ack(1), invite(2)] : []),
    provisional,
    ...outcomes(cseq, hold_ms)[expect],
  );
};

const outcomes = (cseq: number, hold_ms: number): Record<Call['expect'], string[]> => {
  const hold = `<pause milliseconds="${hold_ms}"/>`;
  const giveUp = [
    hold,
    request('CANCEL', cseq),
    '<recv response="180" optional="true"/>',
    '<recv response="200"/>',
    '<recv response="487"/>',
    ack(cseq),
  ];
  const answer = [
    '<recv response="180" optional="true"/>',
    // Logs the port to send digits to, which `startSipp` reads.
    `<recv response="200" rrs="true"><action>
      <ereg regexp="m=audio ([0-9]+)" search_in="body" check_it="true" assign_to="line,port"/>
      <log message="media [$port]"/>
    </action></recv>
    <Reference variables="line"/>`,
    inDialog('ACK', cseq),
  ];
  return {
    ringing: ['<recv response="180"/>', ...giveUp],
    refused: ['<recv response="180" optional="true"/>', '<recv response="401"/>', ack(cseq)],
    // Such a caller is told nothing: the test is that no answer comes in time.
    silent: [
      '<recv response="180" optional="true"/>',
      `<recv response="200" timeout="${hold_ms}" ontimeout="end"/>`,
      '<nop><action><error message="The call was answered"/></action></nop>',
      '<label id="end"/>',
      '<pause milliseconds="1"/>',
    ],
    answered: [...answer, hold, inDialog('BYE', cseq + 1), '<recv response="200"/>'],
    hung_up: [...answer, '<recv request="BYE"/>', OK],
  };
};

/** Answers OPTIONS with 200. */
export const optionsScenario = (): string => scenario('<recv request="OPTIONS"/>', reply('200 OK'));

/** Accepts one call between these numbers that authenticates by digest; fails on any other. */
export const answerScenario = (from: string, to: string): string => {
  const isBetween = `<action>
    <ereg regexp="sip:${escaped(from)}@" search_in="hdr" header="From:" check_it="true" assign_to="from"/>
    <ereg regexp="sip:${escaped(to)}@" search_in="hdr" header="To:" check_it="true" assign_to="to"/>`;
  return scenario(
    `<recv request="INVITE">${isBetween}</action></recv>
    <Reference variables="from,to"/>`,
    reply('401 Unauthorized', 'WWW-Authenticate: Digest realm="carrier", nonce="0123456789abcdef", algorithm=MD5'),
    '<recv request="ACK"/>',
    `<recv request="INVITE">${isBetween}
      <verifyauth assign_to="authorized" username="[username]" password="[password]"/>
    </action></recv>
    <nop test="authorized" next="in"/>`,
    reply('403 Forbidden'),
    '<recv request="ACK"/>',
    '<nop><action><error message="The digest does not match"/></action></nop>',
    '<label id="in"/>',
    reply('180 Ringing'),
    reply('200 OK', 'Contact: <sip:[local_ip]:[local_port]>\nContent-Type: application/sdp', SDP),
    '<recv request="ACK"/>',
    '<recv request="BYE"/>',
    OK,
  );
};

const escaped = (number: string): string => number.replace('+', '\\+');

const scenario = (...steps: string[]): string =>
  `<?xml version="1.0" encoding="UTF-8" ?>\n<scenario name="trunkline">\n${steps.join('\n')}\n</scenario>\n`;

const provisional = '<recv response="100" optional="true"/>';

const send = (text: string, retransmitted = false): string =>
  `<send${retransmitted ? ' retrans="500"' : ''}><![CDATA[\n\n${text}\n]]></send>`;

const SDP = `v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [rtp_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16`;

/**
 * The caller's headers; within a dialog, To has the other side's tag. A transaction is identified by its branch: a
 * CANCEL, or the ACK of a refusal, has the branch of its INVITE.
 */
const headers = (method: string, cseq: number, { peer = '', branch = `${cseq}` } = {}): string =>
  `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-${branch}
Max-Forwards: 70
From: <sip:[caller]@[local_ip]:[local_port]>;tag=[pid]-[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>${peer}
Call-ID: [call_id]
CSeq: ${cseq} ${method}
Contact: <sip:[caller]@[local_ip]:[local_port]>`;

const REQUEST_URI = 'sip:[service]@[remote_ip]:[remote_port]';

const invite = (cseq: number): string =>
  send(
    `INVITE ${REQUEST_URI} SIP/2.0
${headers('INVITE', cseq)}
${cseq > 1 ? '[authentication]\n' : ''}Content-Type: application/sdp
Content-Length: [len]

${SDP}`,
    true,
  );

/** Acknowledges that an INVITE was refused or canceled. */
const ack = (cseq: number): string =>
  send(`ACK ${REQUEST_URI} SIP/2.0\n${headers('ACK', cseq, { peer: '[peer_tag_param]' })}\nContent-Length: 0`);

const request = (method: string, cseq: number): string =>
  send(`${method} ${REQUEST_URI} SIP/2.0\n${headers(method, cseq)}\nContent-Length: 0`, true);

const inDialog = (method: string, cseq: number): string =>
  send(
    `${method} [next_url] SIP/2.0\n[routes]\n${headers(method, cseq, { peer: '[peer_tag_param]', branch: `${cseq}-${method}` })}\nContent-Length: 0`,
    method !== 'ACK',
  );

const reply = (status: string, more = '', body = ''): string =>
  send(`SIP/2.0 ${status}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]-[call_number]
[last_Call-ID:]
[last_CSeq:]
${more ? `${more}\n` : ''}Content-Length: ${body ? `[len]\n\n${body}` : '0'}`);

/** The answer to a request within a dialog, whose To header already has our tag. */
const OK = send(`SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0`);
