import type { RecognizedString } from 'uWebSockets.js';
import type { RoomId } from '@chat/protocol';
import type { LocalUser } from './local-user.ts';
import type { Park } from './park.ts';
import type { Tokens } from './token-bucket.ts';

/** Why a connection is closed: one of CLOSE. */
export interface Close {
  code: number;
  cause: string;
}

/** One client's connection to this replica: a WebSocket or an event stream. */
export abstract class Peer {
  readonly user: LocalUser;
  /** SHA-256 of the session's token. */
  readonly session: string;
  /** Set until the peer goes live: what is published in its rooms meanwhile is kept for it. */
  park: Park | undefined = undefined;
  /** Named rooms that the peer joined without its user being a member. */
  joined: Set<RoomId> | undefined = undefined;

  /** A frame for it was dropped: it reads too slowly and is about to be closed. */
  dropped = false;

  /** For frames other than messages; undefined before the first: most connections only listen. */
  pace: Tokens | undefined = undefined;

  constructor(user: LocalUser, session: string) {
    this.user = user;
    this.session = session;
  }

  /** False once the connection is closed; nothing may be sent then. */
  abstract readonly open: boolean;
  abstract send(frame: RecognizedString): void;
  /** What the callback sends leaves in one system call. */
  abstract cork(callback: () => void): void;
  abstract subscribe(topic: string): void;
  abstract unsubscribe(topic: string): void;
  abstract end(close: Close): void;
  /** Bytes that the client has not taken yet. */
  abstract readonly waiting: number;
  /** Frees what waits for a client that reads too slowly: it sees the line break, comes back and resumes. */
  abstract cut(): void;
}
