/** What a client does after a close. */
export type AfterClose = 'reconnect' | 'stop';

interface CloseCode {
  code: number;
  /** Why the server closed. */
  cause: string;
  client: AfterClose;
}

/** Every code with which the server closes a socket. Codes from 4400 to 4499 other than 4429 mean: stop. */
export const CLOSE = {
  goingAway: { code: 1001, cause: 'the server process ends', client: 'reconnect' },
  tooBig: { code: 1009, cause: 'a frame passed the hard limit', client: 'reconnect' },
  restart: { code: 1012, cause: 'the replica drains; a reconnect frame gave the delay', client: 'reconnect' },
  tryAgain: { code: 1013, cause: 'the storage is away or the server failed', client: 'reconnect' },
  slowConsumer: { code: 4008, cause: 'the client read too slowly; it resumes', client: 'reconnect' },
  sessionEnded: { code: 4401, cause: 'no valid session, or it ended', client: 'stop' },
  refused: { code: 4403, cause: 'the origin or the room is refused', client: 'stop' },
  tooFast: { code: 4429, cause: 'too many sockets or frames', client: 'reconnect' },
} as const satisfies Record<string, CloseCode>;

const BY_CODE = new Map<number, CloseCode>(Object.values(CLOSE).map((entry) => [entry.code, entry]));

/** What a client does after the close with this code; an unknown one (a cut line, a proxy's) means reconnect. */
export function afterClose(code: number): AfterClose {
  const known = BY_CODE.get(code)?.client;
  if (known) return known;
  return code >= 4400 && code <= 4499 ? 'stop' : 'reconnect';
}
