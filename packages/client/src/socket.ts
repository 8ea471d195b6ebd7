import { CLOSE } from '@chat/protocol';
import { ChatError } from './errors.ts';

/** What the client needs of a WebSocket: the browser's, Node's own or that of `ws`. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, options?: never) => SocketLike;

/** What only `ws` can do. */
export interface NodeSocket {
  terminate?(): void;
  on?(event: 'unexpected-response', listener: (request: unknown, response: RefusedResponse) => void): void;
}

export interface RefusedResponse {
  statusCode?: number;
  headers: Record<string, string | string[] | undefined>;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

const REFUSED_BYTES = 16 * 1024;

/**
 * The WebSocket class to use.
 *
 * @throws ChatError no_websocket, bad_option for a token where no header can carry it.
 */
export function socketClass(
  given: SocketConstructor | undefined,
  token: string | undefined,
): SocketConstructor {
  if (token !== undefined && !isNode()) {
    throw new ChatError(
      'bad_option',
      'a browser cannot send a token with a WebSocket: it sends the cookie of login()',
    );
  }
  const found = given ?? (globalThis.WebSocket as SocketConstructor | undefined);
  if (found) return found;
  throw new ChatError(
    'no_websocket',
    'there is no global WebSocket (Node has one from 22 on): install ws and pass its class, new ChatClient({ …, WebSocket })',
  );
}

/** Opens a WebSocket; the token goes in a header, so no log keeps it. */
export function openSocket(
  Socket: SocketConstructor,
  url: string,
  token: string | undefined,
): SocketLike & NodeSocket {
  if (token === undefined) return new Socket(url);
  return new Socket(url, { headers: { Authorization: `Bearer ${token}` } } as never);
}

/** A WebSocket address from what is given: absolute, or relative to the page; with http and https as well. */
export function socketUrl(given: string): URL {
  let url: URL;
  try {
    url = new URL(given, globalThis.location?.href);
  } catch (cause) {
    throw new ChatError('bad_option', `this is no URL: ${given}`, { cause });
  }
  url.protocol = url.protocol.replace(/^http/, 'ws');
  if (url.protocol === 'ws:' || url.protocol === 'wss:') return url;
  throw new ChatError('bad_option', `this is no URL of a WebSocket: ${given}`);
}

/** Reads why an upgrade was refused. The status says as much as the close code that a browser would be given. */
export function readRefusal(
  response: RefusedResponse,
  done: (code: number, reason: string, retryAfterMs?: number) => void,
): void {
  const status = response.statusCode ?? 0;
  let text = '';
  response.on('data', (chunk) => {
    if (text.length < REFUSED_BYTES) text += new TextDecoder().decode(chunk);
  });
  response.on('end', () => {
    const { message, retryAfterMs } = parseBody(text);
    const header = Number(response.headers['retry-after']) * 1000;
    const delay = retryAfterMs ?? (Number.isFinite(header) ? header : undefined);
    done(closeCodeOf(status), message ?? `HTTP status ${status}`, delay);
  });
}

function closeCodeOf(status: number): number {
  if (status === 401) return CLOSE.sessionEnded.code;
  if (status === 403) return CLOSE.refused.code;
  if (status === 429) return CLOSE.tooFast.code;
  return 1006;
}

function parseBody(text: string): { message?: string; retryAfterMs?: number } {
  try {
    const body = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}

function isNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}
