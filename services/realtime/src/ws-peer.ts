import type { RecognizedString, WebSocket } from 'uWebSockets.js';
import type { LocalUser } from './local-user.ts';
import { type Close, Peer } from './peer.ts';
import type { Room } from './room.ts';

/** What uWebSockets.js keeps with a socket. It copies the fields to the socket's object, so an instance goes inside. */
export interface SocketData {
  peer: WsPeer | Refused;
}

export type Socket = WebSocket<SocketData>;

/** A client's WebSocket. */
export class WsPeer extends Peer {
  /** The rooms of its user as they were read for the upgrade. */
  rooms: readonly Room[];
  /** Its client will resume before anything else. */
  readonly resumes: boolean;
  /** A frame for it was dropped: it reads too slowly and is about to be closed. */
  dropped = false;
  #socket: Socket | undefined;

  constructor(user: LocalUser, session: string, rooms: readonly Room[], resumes: boolean) {
    super(user, session);
    this.rooms = rooms;
    this.resumes = resumes;
  }

  get open(): boolean {
    return this.#socket !== undefined;
  }

  opened(socket: Socket): void {
    this.#socket = socket;
    this.rooms = [];
  }

  closed(): void {
    this.#socket = undefined;
  }

  send(frame: RecognizedString): void {
    this.#socket?.send(frame);
  }

  cork(callback: () => void): void {
    this.#socket?.cork(callback);
  }

  subscribe(topic: string): void {
    this.#socket?.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#socket?.unsubscribe(topic);
  }

  end({ code, cause }: Close): void {
    this.#socket?.end(code, cause);
  }
}

/**
 * An upgrade that is accepted only to be closed at once: a browser cannot read the HTTP status of a refused upgrade,
 * but it can read a close code.
 */
export class Refused {
  readonly close: Close;

  constructor(close: Close) {
    this.close = close;
  }
}
