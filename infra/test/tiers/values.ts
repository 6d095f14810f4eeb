/** Pulumi's marker for values that JSON cannot express. https://www.pulumi.com/docs/iac/concepts/inputs-outputs/ (sdk/proto/go, rpc.ts) */
const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

export type Values = Record<string, unknown>;

const isRecord = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isSecret = (value: unknown): boolean => isRecord(value) && value[SIGNATURE] === SECRET;

export const secret = (value: unknown): Values => ({ [SIGNATURE]: SECRET, value });

/** Replaces each secret in a value by `replace(content)`. */
const mapSecrets = (value: unknown, replace: (content: unknown) => unknown): unknown => {
  if (Array.isArray(value)) return value.map((item) => mapSecrets(item, replace));
  if (!isRecord(value)) return value;
  if (isSecret(value)) return replace(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapSecrets(item, replace)]));
};

/** Values as a provider gets them: secrets without their wrapping. */
export const revealed = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      mapSecrets(value, (content) => mapSecrets(content, (inner) => inner)),
    ]),
  );

/** A value that anyone may see: each secret is `[secret]`. */
export const redacted = (value: unknown): unknown => mapSecrets(value, () => '[secret]');

/** The path of each nested value, such as `tags.Name` or `rules[0].port`. */
export const paths = (value: unknown, at = ''): string[] => {
  if (Array.isArray(value)) return value.flatMap((item, n) => paths(item, `${at}[${n}]`));
  if (!isRecord(value)) return [at];
  return Object.entries(value).flatMap(([key, item]) => paths(item, at === '' ? key : `${at}.${key}`));
};

/** Caches the answer for each object, since hundreds of mutants share resources. Objects must not change afterwards. */
export const memoized = <Key extends object, Value>(answer: (key: Key) => Value): ((key: Key) => Value) => {
  const known = new WeakMap<Key, Value>();
  return (key) => {
    const found = known.get(key) ?? answer(key);
    known.set(key, found);
    return found;
  };
};
