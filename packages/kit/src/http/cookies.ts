/** The cookie that carries the session's token. */
export const SESSION_COOKIE = 'sid';

/** Reads a Cookie header (RFC 6265); of two cookies with one name the first counts, as browsers send the nearest first. */
export function parseCookies(header: string | undefined): Record<string, string> {
  const cookies: Record<string, string> = Object.create(null);
  if (!header) return cookies;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0) continue;
    const name = pair.slice(0, equals).trim();
    if (name === '' || name in cookies) continue;
    cookies[name] = unquote(pair.slice(equals + 1).trim());
  }
  return cookies;
}

// A token is 32 bytes in base64url; anything else need not be looked up.
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The session's token of a request, from `Authorization: Bearer` or else from the cookie. */
export function readToken(headers: { cookie?: string; authorization?: string }): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const token = bearer ?? parseCookies(headers.cookie)[SESSION_COOKIE];
  return token !== undefined && TOKEN.test(token) ? token : undefined;
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
