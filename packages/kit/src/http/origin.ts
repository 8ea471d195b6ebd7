/**
 * True when a request with this Origin header may act for the user: there is none (not a browser's cross-site
 * request), its host name is the request's own, whatever the port, or it is listed.
 *
 * @param host the Host header of the request
 * @param allowed origins as a browser spells them, e.g. `https://chat.example.org`
 */
export function originAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined || origin === '') return true;
  if (allowed.includes(origin)) return true;
  const from = hostName(origin);
  return from !== undefined && host !== undefined && from === hostName(`http://${host}`);
}

function hostName(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' || protocol === 'https:' ? hostname : undefined;
}
