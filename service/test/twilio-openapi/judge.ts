import type { IncomingHttpHeaders } from 'node:http';
import { type Call, FORM, JSON_TYPE, openDocuments, type Schema } from './documents.ts';

/** Something that Twilio's documents do not allow. */
export interface Breach {
  /** The operation's id in the documents; its method and path if they do not have it. */
  call: string;
  at: string;
  value?: unknown;
  fault: string;
}

export interface AskedOfTwilio {
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface AnsweredByTwilio {
  status: number;
  type: string | null;
  body: string;
}

/** Checks single requests and answers against Twilio's OpenAPI documents. */
export const openJudge = (folder: string) => {
  const documents = openDocuments(folder);
  const isEmptyInExamples = emptyInExamples(documents.calls);

  const judgeWith =
    <Rest extends unknown[]>(judge: (call: Call, asked: AskedOfTwilio, ...rest: Rest) => Omit<Breach, 'call'>[]) =>
    (asked: AskedOfTwilio, ...rest: Rest): Breach[] => {
      const { method, url } = asked;
      const call = documents.find(method, url.pathname);
      if (call === undefined)
        return [{ call: `${method} ${url.pathname}`, at: 'path', fault: 'there is no such call' }];
      return judge(call, asked, ...rest).map((breach) => ({ call: call.operation.operationId, ...breach }));
    };

  return {
    request: judgeWith((call, asked) => [
      ...breachesOfParameters(call, asked),
      ...breachesOfHeaders(asked),
      ...breachesOfForm(call, asked),
    ]),
    /** Also finds missing and undocumented fields: the documents require no field, so nothing else would notice. */
    answer: judgeWith((call, _asked, answered: AnsweredByTwilio) =>
      breachesOfAnswer(call, answered).filter(
        ({ at, value }) => value !== '' || !isEmptyInExamples.has(`${call.operation.operationId} ${placeOf(at)}`),
      ),
    ),
  };
};

const breachesOfParameters = ({ operation, path, faultsOf }: Call, { url }: AskedOfTwilio) => {
  const { parameters = [] } = operation;
  const inPath = path.exec(url.pathname)?.slice(1).map(decodeURIComponent) ?? [];
  const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }, nth) => [name, inPath[nth]]);
  const given = [
    ...named.map(([name, value]) => ({ where: 'path', name, value })),
    ...[...url.searchParams].map(([name, value]) => ({ where: 'query', name, value })),
  ];
  return given.flatMap(({ where, name, value }) => {
    const nth = parameters.findIndex((parameter) => parameter.in === where && parameter.name === name);
    const at = `${where}/${name}`;
    if (nth < 0) return [{ at, value, fault: UNKNOWN }];
    return faultsOf(['parameters', String(nth), 'schema'], value, { isText: true }).map((fault) => ({ ...fault, at }));
  });
};

const breachesOfHeaders = ({ method, headers }: AskedOfTwilio) => {
  const { authorization = '', accept, 'content-type': type = '' } = headers;
  const [user = '', password] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':');
  return [
    ...(/^(AC|SK)[0-9a-fA-F]{32}$/.test(user) && password
      ? []
      : [{ at: 'header/Authorization', value: user, fault: 'must be Basic, by the SID of an account or a key' }]),
    ...(method === 'DELETE' || accept === JSON_TYPE
      ? []
      : [{ at: 'header/Accept', value: accept, fault: `must be ${JSON_TYPE}` }]),
    ...(method !== 'POST' || type.split(';')[0] === FORM
      ? []
      : [{ at: 'header/Content-Type', value: type, fault: `must be ${FORM}` }]),
  ];
};

const breachesOfForm = ({ operation, faultsOf }: Call, { body }: AskedOfTwilio) => {
  const content = operation.requestBody?.content[FORM];
  if (content === undefined) return body ? [{ at: 'form', value: body, fault: UNKNOWN }] : [];
  const fields = [...new URLSearchParams(body)];
  const form = Object.fromEntries(fields);
  return [
    ...(fields.length > Object.keys(form).length ? [{ at: 'form', value: body, fault: 'has a field twice' }] : []),
    ...fields.flatMap(([name, value]) => {
      const fault = content.schema.properties?.[name] === undefined ? UNKNOWN : inWords[name]?.(value);
      return fault ? [{ at: `form/${name}`, value, fault }] : [];
    }),
    ...faultsOf(['requestBody', 'content', FORM, 'schema'], form, { isText: true }).map((fault) => ({
      ...fault,
      at: `form${fault.at}`,
    })),
  ];
};

/** Rules that the documents state only in prose. Each returns what is wrong, or false. */
const inWords: Record<string, (value: string) => string | false> = {
  FriendlyName: (value) => value.length > 64 && 'must have 64 characters at most',
  DomainName: (value) => !/^[A-Za-z0-9-]+\.pstn\.twilio\.com$/.test(value) && 'must end with pstn.twilio.com',
  Weight: (value) => !(Number(value) >= 1 && Number(value) <= 65_535) && 'must be 1 to 65535',
  Priority: (value) => !(Number(value) >= 0 && Number(value) <= 65_535) && 'must be 0 to 65535',
  SipUrl: (value) => !value.startsWith('sip:') && 'must be a sip: URI',
  Username: (value) => value.length > 32 && 'must have 32 characters at most',
  Password: (value) =>
    !(value.length >= 12 && /\d/.test(value) && /[a-z]/.test(value) && /[A-Z]/.test(value)) &&
    'must have 12 characters, a digit, and small and capital letters',
};

const breachesOfAnswer = (call: Call, { status, type, body }: AnsweredByTwilio) => {
  const documented = call.operation.responses[status];
  if (status < 400 && documented === undefined) return [{ at: `${status}`, value: body, fault: UNKNOWN }];
  const schema = documented?.content?.[JSON_TYPE]?.schema;
  if (status < 400 && schema === undefined)
    return body ? [{ at: `${status}`, value: body, fault: 'must be empty' }] : [];
  if (type !== JSON_TYPE) return [{ at: `${status}/header/Content-Type`, value: type, fault: `must be ${JSON_TYPE}` }];
  const value: unknown = JSON.parse(body);
  const faults = schema ? call.faultsOf(['responses', String(status), 'content', JSON_TYPE, 'schema'], value) : [];
  return [...faults, ...differencesOf(schema ?? refusal, value, call)].map((fault) => ({
    ...fault,
    at: `${status}${fault.at}`,
  }));
};

/** The documents do not describe refusals. https://www.twilio.com/docs/usage/twilios-response */
const refusal: Schema = { properties: { code: {}, message: {}, more_info: {}, status: {} } };

/** Missing and undocumented fields, in lists and objects too. */
const differencesOf = (schema: Schema, value: unknown, call: Call, at = ''): Omit<Breach, 'call'>[] => {
  const { properties, items } = call.resolve(schema);
  if (Array.isArray(value)) return items ? value.flatMap((item) => differencesOf(items, item, call, `${at}/*`)) : [];
  if (properties === undefined || typeof value !== 'object' || value === null) return [];
  const given = Object.entries(value);
  const missing = Object.keys(properties).filter((name) => !given.some(([it]) => it === name));
  return [
    ...missing.map((name) => ({ at: `${at}/${name}`, fault: 'is missing' })),
    ...given.flatMap(([name, inside]) => {
      const documented = properties[name];
      if (documented === undefined) return [{ at: `${at}/${name}`, value: inside, fault: UNKNOWN }];
      return differencesOf(documented, inside, call, `${at}/${name}`);
    }),
  ];
};

/** The fields that are '' in Twilio's own examples although their schema forbids it: '' is accepted there. */
const emptyInExamples = (calls: readonly Call[]): Set<string> => {
  const places = calls.flatMap(({ operation, faultsOf }) =>
    Object.entries(operation.responses).flatMap(([status, { content }]) =>
      Object.values(content?.[JSON_TYPE]?.examples ?? {})
        .flatMap((example) => faultsOf(['responses', status, 'content', JSON_TYPE, 'schema'], example.value))
        .filter(({ value }) => value === '')
        .map(({ at }) => `${operation.operationId} ${placeOf(status + at)}`),
    ),
  );
  return new Set(places);
};

/** The same for every item of a list. */
const placeOf = (at: string): string => at.replaceAll(/\/\d+(?=\/)/g, '/*');

const UNKNOWN = 'is not documented';
