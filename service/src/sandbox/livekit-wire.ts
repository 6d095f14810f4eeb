import { type JsonObject, Message } from '@bufbuild/protobuf';
import { decodeJwt, jwtVerify } from 'jose';
import type { Reply } from './stand-in.ts';

/** The few functions of a protobuf message type that are needed here. */
export interface MessageType<T> {
  fromJson(json: never, options?: { ignoreUnknownFields: boolean }): T;
}

/** A refusal as Twirp sends it; those of the API key middleware are plain text. */
export class TwirpError extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(JSON.stringify(reply.body));
    this.reply = reply;
  }

  static readonly invalid = (msg: string) => new TwirpError({ status: 400, body: { code: 'invalid_argument', msg } });
  static readonly notFound = (msg: string) => new TwirpError({ status: 404, body: { code: 'not_found', msg } });
  /** Where the server forgets to say what kind of error it is. */
  static readonly internal = (msg: string) => new TwirpError({ status: 500, body: { code: 'internal', msg } });
}

/** Both spellings of names are read, and unknown ones are passed over. */
export const parse = <T>(Type: MessageType<T>, body: unknown): T => {
  try {
    return Type.fromJson(JSON.parse(typeof body === 'string' && body ? body : '{}') as never, {
      ignoreUnknownFields: true,
    });
  } catch {
    throw new TwirpError({ status: 400, body: { code: 'malformed', msg: 'the json request could not be decoded' } });
  }
};

/** Every field is answered, in snake case, unset messages as null. */
export const emit = (message: Message): JsonObject => {
  const json = message.toJson({ emitDefaultValues: true, useProtoFieldName: true }) as JsonObject;
  for (const field of message.getType().fields.list()) {
    if (field.kind !== 'message' || field.repeated || field.oneof) continue;
    const value: unknown = Reflect.get(message, field.localName);
    json[field.name] = value instanceof Message ? emit(value) : null;
  }
  return json;
};

export const authorize = async (header: string | undefined, api_key: string, api_secret: string): Promise<void> => {
  const denied = new TwirpError({ status: 401, body: { code: 'unauthenticated', msg: 'permissions denied' } });
  if (header === undefined) throw denied;
  const token = header.replace(/^Bearer /, '');
  const claimed = readClaims(token);
  if (claimed.iss !== api_key) throw new TwirpError({ status: 401, body: `invalid API key: ${claimed.iss}` });
  const verified = await jwtVerify(token, new TextEncoder().encode(api_secret)).catch(() => {
    throw new TwirpError({
      status: 401,
      body: `invalid token: ${token}, error: token signature is invalid: signature is invalid`,
    });
  });
  const { sip } = verified.payload;
  if (!(sip instanceof Object && 'admin' in sip && sip.admin === true)) throw denied;
};

const readClaims = (token: string) => {
  try {
    return decodeJwt(token);
  } catch {
    throw new TwirpError({ status: 401, body: 'invalid authorization token' });
  }
};
