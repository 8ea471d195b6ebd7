import {
  CLOSE,
  type ClientFrame,
  type ClientLimits,
  privateMembers,
  type RoomId,
  readMessage,
  readUser,
  type ServerFrame,
  type User,
} from '@chat/protocol';
import { Backoff } from './backoff.ts';
import { Emitter } from './emitter.ts';
import { ChatError } from './errors.ts';
import type { ChatEvents } from './events.ts';
import { Joins, type RoomInfo } from './joins.ts';
import { type ChatState, Link } from './link.ts';
import { Outbox, type Sent } from './outbox.ts';
import { Timelines } from './rooms/timelines.ts';
import { type SocketConstructor, socketClass, socketUrl } from './socket.ts';
import { TIMING, type Timing } from './timing.ts';
import { Typing } from './typing.ts';
import { Urls } from './urls.ts';

export interface ChatClientOptions {
  /** The address of /ws: ws:, wss:, http:, https:, or relative to the page. */
  url?: string;
  /** Several addresses, the preferred one first. */
  urls?: readonly string[];
  /** The session's token, in Node; a browser sends its cookie. */
  token?: string;
  /** The class to use where there is no global one: that of `ws` in Node 20. */
  WebSocket?: SocketConstructor;
  /** Bounds of the delay before a reconnect, in milliseconds; 250 and 15,000 by default. */
  backoff?: { minMs?: number; maxMs?: number };
  /** How long an answer may take before the connection is replaced, in milliseconds; 15,000 by default. */
  sendTimeoutMs?: number;
  /** How many messages may wait to be sent; 500 by default. */
  maxQueued?: number;
  /** A number from 0 to below 1, for the jitter; Math.random by default. */
  random?: () => number;
  timing?: Partial<Timing>;
}

/**
 * A connection to the chat that holds: it reconnects, resumes, sends each message once and in order, and delivers each
 * message once and in order.
 */
export class ChatClient {
  readonly #events = new Emitter<ChatEvents>();
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #timelines: Timelines;
  readonly #joins: Joins;
  readonly #typing: Typing;
  /** Rooms entered or left by this connection alone: the next one does not know. */
  readonly #joined = new Set<RoomId>();
  readonly #left = new Set<RoomId>();
  /** This connection was opened with ?resume=1: the server waits for a resume frame. */
  #resumes: boolean = false;
  #user: User | undefined;
  #limits: ClientLimits | undefined;
  /** Why nothing can be sent until connect() is called. */
  #refusal: ChatError | undefined;

  /** @throws ChatError no_websocket or bad_option */
  constructor(options: ChatClientOptions) {
    const { token, random = Math.random, sendTimeoutMs = 15_000, maxQueued = 500 } = options;
    const urls = options.urls ?? (options.url === undefined ? [] : [options.url]);
    if (urls.length === 0) throw new ChatError('bad_option', 'ChatClient needs a url');
    const timing = { ...TIMING, ...options.timing };
    const send = (frame: ClientFrame) => this.#send(frame);
    this.#link = new Link({
      urls: new Urls(urls.map((url) => socketUrl(url).href)),
      backoff: new Backoff({ minMs: 250, maxMs: 15_000, ...options.backoff, random }),
      timing,
      token,
      WebSocket: socketClass(options.WebSocket, token),
      resumes: () => {
        this.#resumes = !this.#timelines.isEmpty;
        return this.#resumes;
      },
      onState: (change) => this.#events.emit('state', change),
      onFrame: (frame) => this.#receive(frame),
      onRoundTrip: (rttMs) => this.#events.emit('stats', { rttMs }),
      onDown: () => this.#disconnect(),
      onStopped: (end) => this.#stopped(end),
    });
    this.#outbox = new Outbox({
      send,
      unanswered: () => this.#link.replace('a message got no answer'),
      ackMs: sendTimeoutMs,
      maxQueued,
      random,
    });
    this.#timelines = new Timelines({
      resume: (rooms) => this.#link.send({ type: 'resume', data: { rooms } }),
      isReady: () => this.state === 'online',
      resumed: () => this.#resumed(),
      message: (message) =>
        this.#events.emit('message', { ...message, own: message.from === this.#user?.id }),
      gap: (gap) => this.#events.emit('gap', gap),
      timing,
    });
    this.#joins = new Joins({ send, answerMs: sendTimeoutMs });
    this.#typing = new Typing(send, timing.typingMs);
  }

  get state(): ChatState {
    return this.#link.state;
  }

  /** Calls the handler at every such event, until the function that is returned is called. */
  on<Name extends keyof ChatEvents>(name: Name, handler: (data: ChatEvents[Name]) => void): () => void {
    return this.#events.on(name, handler);
  }

  /** Connects, and stays connected until close() or the event `stopped`; then it may be called again. */
  connect(): void {
    this.#refusal = undefined;
    this.#link.open();
  }

  /** Ends the connection and all timers. What is not acknowledged rejects with `closed`; positions are kept. */
  close(): void {
    this.#refusal = new ChatError('closed', 'the client was closed');
    this.#link.close();
    this.#rejectAll(this.#refusal);
  }

  /**
   * Sends a message, now or when there is a connection; again, until the server has stored it or refused it for good.
   * The messages of one room are stored in the order of the calls.
   *
   * @returns resolves when the message is stored. Rejects with the server's code; `busy` when too many wait; `closed`;
   *   `unauthenticated` or `forbidden` when the server ended the session; `timeout` when, after being away for long,
   *   it cannot be known whether the message was stored.
   */
  send(roomId: RoomId, text: string): Promise<Sent> {
    if (this.#refusal) return Promise.reject(this.#refusal);
    this.#typing.done(roomId);
    return this.#outbox.add(roomId, text, this.#limits);
  }

  /**
   * Enters a named room.
   *
   * @param since the date (seconds) up to which its messages are known; what is newer is delivered.
   * @returns rejects with the server's code, `timeout` or `closed`.
   */
  join(roomId: RoomId, since?: number): Promise<RoomInfo> {
    if (this.#refusal) return Promise.reject(this.#refusal);
    this.#left.delete(roomId);
    return this.#joins.add(roomId, this.position(roomId) ?? since);
  }

  /**
   * Stops receiving a named room, now or when there is a connection; the event `left` follows. The user stays a member
   * where it is one.
   */
  leave(roomId: RoomId): void {
    this.#joined.delete(roomId);
    this.#left.add(roomId);
    this.#tellLeft(roomId);
  }

  /** Says that the user is typing: at most every two seconds, whatever the number of calls. */
  typing(roomId: RoomId): void {
    this.#typing.tell(roomId);
  }

  /** Resolves with the round trip to the server in milliseconds; rejects with `network`. */
  ping(): Promise<number> {
    if (this.#timelines.resuming)
      return Promise.reject(new ChatError('network', 'the connection is not ready'));
    return this.#link.ping();
  }

  /** The date (seconds) of the last message delivered; undefined for a room that is not received. */
  position(roomId: RoomId): number | undefined {
    return this.#timelines.position(roomId);
  }

  /** Until a resume is answered nothing else is sent: any other frame makes the server begin without it. */
  #send(frame: ClientFrame): boolean {
    return !this.#timelines.resuming && this.#link.send(frame);
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case 'hello':
        this.#greeted(frame.data);
        break;
      case 'message':
        this.#message(frame.data);
        break;
      case 'ack':
        if (frame.data.cid !== undefined) this.#outbox.settle(frame.data.cid, frame.data.date);
        this.#events.emit('ack', frame.data);
        break;
      case 'error':
        if (frame.data.cid !== undefined) this.#outbox.refuse(frame.data.cid, frame.data);
        else if (this.#timelines.resuming) this.#timelines.refused(frame.data);
        else this.#joins.refused(frame.data);
        this.#events.emit('error', frame.data);
        break;
      case 'user.connected':
        this.#presence([frame.data], []);
        break;
      case 'user.disconnected':
        this.#presence([], [frame.data]);
        break;
      case 'users.changed':
        this.#presence(frame.data.connected, frame.data.disconnected, frame.data.truncated === true);
        break;
      case 'show.room':
        if (frame.data.last !== undefined) this.#timelines.add(frame.data.id, frame.data.last);
        // A server that says no date: a new private room has nothing before it, a named one may have years of it.
        else if (privateMembers(frame.data.id)) this.#timelines.add(frame.data.id, 0);
        this.#events.emit('room', frame.data);
        break;
      case 'room.renamed':
        this.#events.emit('room', frame.data);
        break;
      case 'room.joined':
        this.#enter(frame.data);
        break;
      case 'room.left':
        this.#joined.delete(frame.data.id);
        this.#timelines.remove(frame.data.id);
        this.#events.emit('left', frame.data);
        break;
      case 'resumed':
        this.#timelines.vouch(frame.data.rooms);
        break;
      case 'typing':
        this.#events.emit('typing', frame.data);
        break;
      case 'gap':
        this.#outbox.missed(frame.data.roomId);
        this.#timelines.skip(frame.data);
        break;
      case 'degraded':
        this.#outbox.hold();
        break;
      case 'restored':
        if (this.#timelines.resuming) this.#timelines.resume();
        else this.#outbox.open();
        break;
      case 'reconnect':
      case 'pong':
        break;
      default:
        // A type of a newer server.
        frame satisfies never;
    }
  }

  #greeted(hello: ChatEvents['hello']): void {
    // What the user before had queued must not be sent in the name of this one.
    if (this.#user && this.#user.id !== hello.user.id) {
      this.#timelines.clear();
      this.#joined.clear();
      this.#left.clear();
      this.#rejectAll(new ChatError('unauthenticated', 'another user is signed in now'));
    }
    this.#user = hello.user;
    this.#limits = hello.limits;
    const leaving = [...this.#left].filter((roomId) => this.position(roomId) !== undefined);
    this.#timelines.start(hello.rooms, hello.limits, this.#joined);
    if (this.#resumes) this.#timelines.resume();
    this.#events.emit('hello', hello);
    // The connection before was in these, this one is not: there is nothing to be told and nothing to wait for.
    for (const id of leaving) if (this.position(id) === undefined) this.#events.emit('left', { id });
    if (!this.#timelines.resuming) this.#goLive();
  }

  #resumed(): void {
    this.#goLive();
    this.#events.emit('resumed', { rooms: this.#timelines.positions() });
  }

  /**
   * The connection takes everything now. Not before a resume is answered, as that may bring messages of this client
   * whose ack was lost.
   */
  #goLive(): void {
    // Any frame makes the server begin at once.
    this.ping().catch(() => {});
    for (const roomId of this.#left) this.#tellLeft(roomId);
    this.#joins.sendFirst();
    if (this.state === 'online') this.#outbox.open();
  }

  /**
   * Only where this connection is in the room, or is about to be: elsewhere the server refuses it, by an error that says
   * not what it answers, and a join of another room under way would be taken for refused.
   */
  #tellLeft(roomId: RoomId): void {
    if (this.position(roomId) === undefined && !this.#joins.isAsked(roomId)) return;
    this.#send({ type: 'room.leave', data: { roomId } });
  }

  #message(data: unknown): void {
    // The bytes may be a foreign server's, which writes ids as strings.
    const message = readMessage(data);
    if (!message) return;
    if (message.cid !== undefined && message.from === this.#user?.id) {
      this.#outbox.settle(message.cid, message.date);
    }
    this.#timelines.accept(message);
  }

  #presence(connected: readonly unknown[], disconnected: readonly unknown[], truncated = false): void {
    const users = (list: readonly unknown[]) => list.map(readUser).filter((user) => user !== undefined);
    this.#events.emit('presence', {
      connected: users(connected),
      disconnected: users(disconnected),
      truncated,
    });
  }

  #enter(room: RoomInfo & { last: number }): void {
    this.#timelines.add(room.id, this.#joins.since(room.id) ?? room.last);
    this.#joined.add(room.id);
    this.#events.emit('room', room);
    this.#joins.joined(room);
  }

  #stopped(end: { code: number; reason: string }): void {
    const code = end.code === CLOSE.sessionEnded.code ? 'unauthenticated' : 'forbidden';
    this.#refusal = new ChatError(code, `the server ended the connection: ${end.reason}`);
    this.#rejectAll(this.#refusal);
    this.#events.emit('stopped', end);
  }

  #disconnect(): void {
    this.#timelines.disconnect();
    this.#outbox.disconnect();
    this.#joins.disconnect();
  }

  #rejectAll(error: ChatError): void {
    this.#outbox.rejectAll(error);
    this.#joins.rejectAll(error);
  }
}
