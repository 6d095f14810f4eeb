import { type JsonObject, Message } from '@bufbuild/protobuf';
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Reply } from './stand-in.ts';

/** The functions of a protobuf message type that are used here. */
export interface MessageType<T> {
  fromJson(json: never, options?: { ignoreUnknownFields: boolean }): T;
  fromBinary(bytes: Uint8Array): T;
}

/** A refusal in Twirp's format; the API key middleware answers plain text. */
export class TwirpError extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(JSON.stringify(reply.body));
    this.reply = reply;
  }

  static readonly invalid = (msg: string) => new TwirpError({ status: 400, body: { code: 'invalid_argument', msg } });
  static readonly notFound = (msg: string) => new TwirpError({ status: 404, body: { code: 'not_found', msg } });
  /** For errors that the server returns without a code. */
  static readonly unknown = (msg: string) => new TwirpError({ status: 500, body: { code: 'unknown', msg } });
  static readonly badRoute = (msg: string, route: string) =>
    new TwirpError({ status: 404, body: { code: 'bad_route', msg, meta: { twirp_invalid_route: route } } });
}

export const refuse = (fault: string | undefined): void => {
  if (fault !== undefined) throw TwirpError.invalid(fault);
};

/** The encoding of a request and its answer. Twirp ignores everything after the first semicolon. */
export type Encoding = 'json' | 'protobuf';
export const encodingOf = (type: string, route: string): Encoding => {
  const bare = type.split(';')[0]?.trim().toLowerCase();
  if (bare === 'application/json') return 'json';
  if (bare === 'application/protobuf') return 'protobuf';
  throw TwirpError.badRoute(`unexpected Content-Type: ${JSON.stringify(type)}`, route);
};

/** Reads field names in both spellings, and ignores unknown ones. */
export const parse = <T>(Type: MessageType<T>, body: Buffer, encoding: Encoding): T => {
  try {
    return encoding === 'protobuf'
      ? Type.fromBinary(body)
      : Type.fromJson(JSON.parse(body.toString()) as never, { ignoreUnknownFields: true });
  } catch {
    throw new TwirpError({
      status: 400,
      body: { code: 'malformed', msg: `the ${encoding} request could not be decoded` },
    });
  }
};

/** Writes every field, in snake case: an unset message as null, but no unset optional field. */
export const emit = (message: Message): JsonObject => {
  const json = message.toJson({ emitDefaultValues: true, useProtoFieldName: true }) as JsonObject;
  for (const field of message.getType().fields.list()) {
    if (field.kind !== 'message' || field.oneof || field.opt) continue;
    const value: unknown = Reflect.get(message, field.localName);
    if (Array.isArray(value)) json[field.name] = value.map(emit);
    else
      json[field.name] = value instanceof Message && !isWrittenAsText(value) ? emit(value) : (json[field.name] ?? null);
  }
  return json;
};

const isWrittenAsText = (message: Message): boolean => message.getType().typeName.startsWith('google.protobuf.');

/** Returns what a token grants; nothing if there is none. Refuses an invalid token. */
export const authenticate = async (
  header: string | undefined,
  api_key: string,
  api_secret: string,
): Promise<JWTPayload> => {
  if (!header) return {};
  const [, token] = /^Bearer (.*)$/.exec(header) ?? [];
  if (token === undefined) throw unauthorized('invalid authorization header. Must start with Bearer ');
  const { iss = '' } = readClaims(token);
  if (iss !== api_key) throw unauthorized(`invalid API key: ${iss}`);
  const options = { clockTolerance: TOKEN_LEEWAY_SECONDS };
  const verified = await jwtVerify(token, new TextEncoder().encode(api_secret), options).catch((error: unknown) => {
    const why =
      error instanceof errors.JWTExpired
        ? 'token has invalid claims: token is expired'
        : 'token signature is invalid: signature is invalid';
    throw unauthorized(`invalid token: ${token}, error: ${why}`);
  });
  return verified.payload;
};

const TOKEN_LEEWAY_SECONDS = 60;

const unauthorized = (body: string) => new TwirpError({ status: 401, body });

const readClaims = (token: string) => {
  try {
    return decodeJwt(token);
  } catch {
    throw unauthorized('invalid authorization token');
  }
};

export const requireAdmin = ({ sip }: JWTPayload): void => {
  if (sip instanceof Object && 'admin' in sip && sip.admin === true) return;
  throw new TwirpError({ status: 401, body: { code: 'unauthenticated', msg: 'permissions denied' } });
};
