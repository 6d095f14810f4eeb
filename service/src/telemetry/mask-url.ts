const MASK = '***';

/** A URL as it may be told: without its user info, query and fragment, where people put passwords and tokens. */
export const maskUrl = (url: string): string => {
  const parsed = URL.parse(url);
  // Of what is no URL of the web nobody knows which part is secret.
  if (parsed === null || !/^(https?|wss?):$/.test(parsed.protocol)) return MASK;
  const { protocol, username, password, host, pathname } = parsed;
  const user = username || password ? `${MASK}@` : '';
  const [, mark = ''] = /([?#])/.exec(url) ?? [];
  return `${protocol}//${user}${host}${pathname}${mark && mark + MASK}`;
};

/** A text with each of the URLs in it masked. */
export const maskUrlsIn = (text: string): string =>
  text.replaceAll(/\b(?:https?|wss?):[/\\]+[^\s"'<>`]+/giu, (url) => maskUrl(url));

/** The parts of a URL that are masked, each by itself. */
export const secretsOfUrl = (url: string | null): string[] => {
  const parsed = URL.parse(url ?? '');
  if (parsed === null) return [];
  const { username, password, search, searchParams } = parsed;
  const parts = [username, password, search.slice(1), ...searchParams.values()];
  return parts.filter((part) => part.length >= FEWEST_LETTERS);
};

/** What is shorter stands in every text. */
const FEWEST_LETTERS = 4;
