import { ListSIPInboundTrunkResponse } from '@livekit/protocol';
import { expect, it } from 'vitest';
import { badRoute, invalid, malformed, onBothSides } from './both-sides.ts';

const LIST = 'ListSIPInboundTrunk';
const CREATE = 'CreateSIPInboundTrunk';

const denied = {
  status: 401,
  type: 'application/json',
  body: { code: 'unauthenticated', msg: 'permissions denied' },
};
/** The answer of the API key middleware, which runs before anything else. */
const refused = (body: unknown) => ({ status: 401, type: 'text/plain; charset=utf-8', body });

onBothSides('admits', (side) => {
  it.each([
    ['no request without a token', { grants: null }],
    ['no token without grants', { grants: {} }],
    ['no token of another kind', { grants: { video: { roomCreate: true, roomAdmin: true } } }],
    ['no token that may only place calls', { grants: { sip: { call: true } } }],
    ['no token with a grant of false', { grants: { sip: { admin: false } } }],
  ])('%s', async (_what, sent) => {
    expect(await side().post(LIST, {}, sent)).toEqual(denied);
    expect(await side().post('CreateSIPDispatchRule', {}, sent)).toEqual(denied);
    expect(await side().post('DeleteSIPTrunk', {}, sent)).toEqual(denied);
  });

  it('no unknown key', async () => {
    expect(await side().post(LIST, {}, { key: 'another' })).toEqual(refused('invalid API key: another'));
  });

  it('no wrong secret, and quotes the token', async () => {
    expect(await side().post(LIST, {}, { secret: 'another-secret-of-more-than-thirty-six-letters' })).toEqual(
      refused(
        expect.stringMatching(/^invalid token: eyJ[\w.-]+, error: token signature is invalid: signature is invalid$/),
      ),
    );
  });

  it('no expired token', async () => {
    const expired = (ago: string) => side().post(LIST, {}, { expires: ago });
    expect((await expired('30s ago')).status).toBe(200);
    expect(await expired('90s ago')).toEqual(
      refused(expect.stringMatching(/^invalid token: eyJ[\w.-]+, error: token has invalid claims: token is expired$/)),
    );
  });

  it.each([
    ['Bearer garbage', 'invalid authorization token'],
    ['Basic eDp5', 'invalid authorization header. Must start with Bearer '],
    ['garbage', 'invalid authorization header. Must start with Bearer '],
  ])('no request with the header %s', async (authorization, said) => {
    expect(await side().post(LIST, {}, { authorization })).toEqual(refused(said));
    expect(await side().post('Unknown', {}, { authorization })).toEqual(refused(said));
  });

  it('no request without a grant, which learns only whether it is well-formed', async () => {
    expect(await side().post(CREATE, 'nonsense', { grants: {} })).toEqual(malformed);
    expect(await side().post(CREATE, {}, { grants: {} })).toEqual(denied);
  });
});

onBothSides('serves Twirp', (side) => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'APPLICATION/JSON',
  ])('with the type %s', async (type) => {
    const body = { trunk: { sipTrunkId: 'x' } };
    expect(await side().post(CREATE, body, { type })).toEqual(invalid('trunk id must not be set'));
  });

  it('with protobuf', async () => {
    const { sip_trunk_id } = await side().make(CREATE, { trunk: { numbers: ['+15550000001'] } });
    const { status, type, body } = await side().post(LIST, '', { type: 'application/protobuf' });
    expect({ status, type }).toEqual({ status: 200, type: 'application/protobuf' });
    const { items } = ListSIPInboundTrunkResponse.fromBinary(body);
    expect(items.map(({ sipTrunkId }) => sipTrunkId)).toEqual([sip_trunk_id]);
  });

  it('with no other type', async () => {
    expect(await side().post(LIST, {}, { type: 'text/plain' })).toEqual(
      badRoute('unexpected Content-Type: "text/plain"', `POST /twirp/livekit.SIP/${LIST}`),
    );
  });

  it.each(['GET', 'PUT', 'DELETE'])('not with %s', async (verb) => {
    expect(await side().post(LIST, {}, { verb, grants: null })).toEqual(
      badRoute(`unsupported method "${verb}" (only POST is allowed)`, `${verb} /twirp/livekit.SIP/${LIST}`),
    );
  });

  it.each(['Unknown', '', 'CreateSIPTrunk'])('not for the method "%s"', async (method) => {
    expect(await side().post(`livekit.SIP/${method}`, {}, { grants: null })).toEqual(
      badRoute(`no handler for path "/twirp/livekit.SIP/${method}"`, `POST /twirp/livekit.SIP/${method}`),
    );
  });

  it('not for an unknown service', async () => {
    expect(await side().post('livekit.Unknown/List', {})).toEqual({
      status: 404,
      type: 'text/plain; charset=utf-8',
      body: '404 page not found\n',
    });
  });
});
