const MASK = '***';

/** Masks the user info, query and fragment of a URL, where people put passwords and tokens. */
export const maskUrl = (url: string): string => {
  const parsed = URL.parse(url);
  // In any other URL, any part may be secret.
  if (parsed === null || !/^(https?|wss?):$/.test(parsed.protocol)) return MASK;
  const { protocol, username, password, host, pathname } = parsed;
  const user = username || password ? `${MASK}@` : '';
  const [, mark = ''] = /([?#])/.exec(url) ?? [];
  return `${protocol}//${user}${host}${pathname}${mark && mark + MASK}`;
};

/** Masks each URL in a text. */
export const maskUrlsIn = (text: string): string =>
  text.replaceAll(/\b(?:https?|wss?):[/\\]+[^\s"'<>`]+/giu, (url) => maskUrl(url));

/** The parts of a URL that `maskUrl` hides, one by one. */
export const secretsOfUrl = (url: string | null): string[] => {
  const parsed = URL.parse(url ?? '');
  if (parsed === null) return [];
  const { username, password, search, searchParams } = parsed;
  const parts = [username, password, search.slice(1), ...searchParams.values()];
  return parts.filter((part) => part.length >= FEWEST_LETTERS);
};

/** A shorter part would match in almost any text. */
const FEWEST_LETTERS = 4;
