import type { RecognizedString, WebSocket } from 'uWebSockets.js';
import type { Credentials } from './admission.ts';
import type { LocalUser } from './local-user.ts';
import { type Close, Peer } from './peer.ts';

/** What uWebSockets.js keeps with a socket. It copies the fields to the socket's object, so an instance goes inside. */
export interface SocketData {
  client: Newcomer | WsPeer | Refused;
}

export type Socket = WebSocket<SocketData>;

/** A client's WebSocket. */
export class WsPeer extends Peer {
  /** Ends it if it does not read on. */
  lastWord: NodeJS.Timeout | undefined;
  /** It came for this very replica, and would come back to it. */
  pinned = false;
  #socket: Socket | undefined;

  constructor(user: LocalUser, session: string, socket: Socket) {
    super(user, session);
    this.#socket = socket;
  }

  get open(): boolean {
    return this.#socket !== undefined;
  }

  closed(): void {
    this.#socket = undefined;
  }

  /** Nothing after a dropped frame, which would leave a hole. */
  send(frame: RecognizedString): void {
    if (!this.dropped) this.#socket?.send(frame);
  }

  /** Leaves all topics. */
  silence(): void {
    for (const topic of this.#socket?.getTopics() ?? []) this.#socket!.unsubscribe(topic);
  }

  cork(callback: () => void): void {
    this.#socket?.cork(callback);
  }

  subscribe(topic: string): void {
    if (!this.dropped) this.#socket?.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#socket?.unsubscribe(topic);
  }

  end({ code, cause }: Close): void {
    this.#socket?.end(code, cause);
  }

  get waiting(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  cut(): void {
    this.dropped = true;
    this.#socket?.close();
  }
}

/** Frames that a client may send before it is known who it is. */
const MAX_EARLY = 32;

/** A WebSocket of which it is looked up who it is from. What it sends meanwhile waits: nothing is lost. */
export class Newcomer {
  readonly credentials: Credentials;
  /** Its client will resume before anything else. */
  readonly resumes: boolean;
  /** It came for this very replica. */
  readonly pinned: boolean;
  open = true;
  readonly early: string[] = [];

  constructor(credentials: Credentials, { resumes, pinned }: { resumes: boolean; pinned: boolean }) {
    this.credentials = credentials;
    this.resumes = resumes;
    this.pinned = pinned;
  }

  /** False when it sends too much. */
  keep(frame: string): boolean {
    return this.early.push(frame) <= MAX_EARLY;
  }
}

/** An upgrade that is accepted only to be closed at once, so that a browser learns the reason. */
export class Refused {
  readonly close: Close;

  constructor(close: Close) {
    this.close = close;
  }
}
