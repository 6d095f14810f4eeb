import { type ProblemCode, problemCodes, problems, providerProblems } from '../problem.ts';
import { operations } from '../router.ts';

const ofOperations = new Set([...operations.values()].flatMap(({ problems }) => problems));
const isOfOne = (code: ProblemCode) => ofOperations.has(code) && !providerProblems.includes(code);
const ofAny = problemCodes.filter((code) => !ofOperations.has(code));
const ofOne = problemCodes.filter(isOfOne);

const problemTable = [...ofAny, ...providerProblems, ...ofOne]
  .map((code) => `| ${problems[code][0]} | \`${code}\` | ${problems[code][1]} |`)
  .join('\n');

/** The beginning of the API reference, in Markdown. */
export const introduction = `
Trunkline makes a phone number ring at your LiveKit voice agents. One call imports a number that you own at Twilio, or
that reaches you over a SIP trunk: Trunkline checks it and builds all that it needs on both sides. Whatever fails on the
way, nothing is left half made.

This reference is also there for programs: as [OpenAPI](/openapi.json), as [Markdown](/docs.md), and as a list of both
for language models, [llms.txt](/llms.txt).

## Quick start

Set where the service is and your API key, and ask which organization the key belongs to:

\`\`\`sh
export TRUNKLINE_URL=http://127.0.0.1:3000
export API_KEY=tl_live_...

curl -sS "$TRUNKLINE_URL/api/me" \\
  -H "X-API-Key: $API_KEY"
\`\`\`

Import a number with the \`organization_id\` of the answer:

\`\`\`sh
export ORGANIZATION_ID=org_...

curl -sS "$TRUNKLINE_URL/api/phone-numbers" \\
  -H "X-API-Key: $API_KEY" \\
  -H "X-Organization-Id: $ORGANIZATION_ID" \\
  -H "Content-Type: application/json" \\
  -d '{
    "provider": "sip",
    "phone_number": "+15551230000",
    "supports_inbound": true,
    "agent_id": "receptionist"
  }'
\`\`\`

Send the number's calls to the \`sip_uri\` of the answer, and the LiveKit agent named \`receptionist\` picks up. For a
number at Twilio, integrate the account first (\`POST /api/integrations\`).

## Authentication

Every request carries an API key in \`X-API-Key\`, and the id of the organization that it belongs to in
\`X-Organization-Id\`; \`GET /api/me\` needs the key alone. The key's role says what it may do: an \`admin\` everything, an
\`agent_manager\` all of phone numbers, integrations and keys up to its own role, a \`user\` only read phone numbers and
integrations.

## Problems

Every failed request answers a problem ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) as
\`application/problem+json\`. Its \`code\` is stable, its \`detail\` is a sentence that says what to do, and its
\`request_id\` finds the request in the log. An \`invalid_request\` lists all faults at once, each with its path. Where
the same request may succeed later, \`retry_after_seconds\` and the header \`Retry-After\` say when.

Any request may have one of the first ${ofAny.length}, and one that asks a provider, one of the ${providerProblems.length} after them. The others
stand with the operations that have them.

| HTTP | code | what happened |
| --- | --- | --- |
${problemTable}

## Retries

Send an \`Idempotency-Key\` with a \`POST\`, a new one for each thing that you want done. The same request with the same
key then has its effect once, and gets the first answer again for 24 hours. Answers of 429 and 5xx are not kept: send
the same request again. A caller that goes away does not stop what it has begun.

## Changes that meet

Each number and integration has a \`revision\`, raised by each change of its settings, and answered as \`ETag\`, too.
Send it as \`If-Match\`, and the change is made only if nobody else has made one meanwhile; otherwise the answer is a 412
\`precondition_failed\`. Over tRPC it is the member \`if_revision\` of the input.

## Lists

A list answers a page, newest first. Give its \`next_cursor\` as \`cursor\` to read on, until it is null. \`page_size\` is
20, and may be up to 100. \`total_count\` is null unless you send \`include_total=true\`: counting takes longer than the
page. It is exact up to 10,000, and null beyond.

## Limits

A key may make 50 requests a second, unless this installation is set otherwise. \`RateLimit\` says how many are left,
and a 429 when to go on. A body has 100 KiB at most.

## Generated clients

The [OpenAPI document](/openapi.json) makes clients with \`@hey-api/openapi-ts\`, with \`openapi-python-client\`, and
with \`openapi-typescript --default-non-nullable=false\`. TypeScript callers have a client of ours in
\`@trunkline/contracts\`.

## Request ids

Every answer carries \`X-Request-Id\`. Send one of your own, 1 to 128 letters, digits, \`.\`, \`_\`, \`:\` or \`-\`, and it
is taken.
`.trim();
