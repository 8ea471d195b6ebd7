import { ChatClient } from '@chat/client';
import type { RoomId, ServerFrame } from '@chat/protocol';
import { WebSocket } from 'ws';
import type { Account } from '../../harness/accounts.ts';
import { ChatSocket } from '../../harness/chat-socket.ts';
import { EventStream } from '../../harness/event-stream.ts';
import { View } from './view.ts';

/** How long a connection may take: generous, the machine may be busy. */
const PATIENCE_MS = 15_000;

/** A user who is in the rooms of a run, now on one replica, now on another, at times on none. */
export interface Member {
  readonly account: Account;
  readonly view: View;
  readonly here: boolean;
  /** Connects to the replica at this address, and gets what it missed. */
  enter(url: string): Promise<void>;
  leave(): Promise<void>;
  /** Looks at what came since the last time. */
  look(): void;
}

export interface Talker extends Member {
  /** Resolves with the date once the message is acknowledged. */
  say(roomId: RoomId, text: string, cid: string): Promise<number>;
}

type OnHello = (rooms: readonly { id: RoomId; last: number }[]) => Promise<void>;

/** A bare WebSocket that follows the rules of the protocol for coming back, and drops nothing that it is sent. */
export class SocketMember implements Talker {
  readonly account: Account;
  readonly view = new View();
  readonly #onHello: OnHello;
  readonly #positions = new Map<RoomId, number>();
  #socket: ChatSocket | undefined;
  #seen = 0;

  constructor(account: Account, onHello: OnHello) {
    this.account = account;
    this.#onHello = onHello;
  }

  get here(): boolean {
    return this.#socket !== undefined;
  }

  async enter(url: string): Promise<void> {
    const resumes = this.#positions.size > 0;
    const socket = await ChatSocket.connect(`${url.replace('http', 'ws')}/ws${resumes ? '?resume=1' : ''}`, {
      token: this.account.token,
    });
    this.#socket = socket;
    this.#seen = 0;
    this.view.connection++;
    this.view.positions = new Map(this.#positions);
    const { rooms } = await socket.next('hello');
    for (const { id, last } of rooms) if (!this.#positions.has(id)) this.#positions.set(id, last);
    if (resumes) {
      socket.send({ type: 'resume', data: { rooms: Object.fromEntries(this.#positions) } });
      await socket.next('resumed');
    }
    await socket.settle();
    await this.#onHello(rooms);
  }

  async leave(): Promise<void> {
    this.look();
    await this.#socket?.close();
    this.look();
    this.#socket = undefined;
  }

  say(roomId: RoomId, text: string, cid: string): Promise<number> {
    return this.#socket!.say(roomId, text, cid);
  }

  /** Sends again what was acknowledged, as a client does that did not get the answer. */
  async sayAgain(roomId: RoomId, message: string, cid: string): Promise<number> {
    const socket = this.#socket!;
    const before = socket.frames.length;
    const isAnswer = (data: { cid?: string }) =>
      data.cid === cid && socket.frames.findIndex((frame) => frame.data === data) >= before;
    socket.send({ type: 'message', data: { roomId, message }, cid, retry: true });
    return (await socket.next('ack', isAnswer)).date;
  }

  look(): void {
    const frames = this.#socket?.frames ?? [];
    for (; this.#seen < frames.length; this.#seen++) this.#take(frames[this.#seen]!);
  }

  #take({ type, data }: ServerFrame): void {
    if (type === 'message') {
      this.view.show(data);
      if (data.prev !== undefined) this.#positions.set(data.roomId, data.date);
    } else if (type === 'gap') {
      this.view.gaps.push(data);
      this.#positions.set(data.roomId, data.to);
    } else if (type === 'resumed') {
      for (const [id, date] of Object.entries(data.rooms)) this.#positions.set(id, date);
    }
  }
}

/** The client package, whose user needs no rules. */
export class ClientMember implements Talker {
  readonly account: Account;
  readonly view = new View();
  readonly #client: ChatClient;
  #url = '';
  #entered = false;
  here = false;

  constructor(account: Account) {
    this.account = account;
    const url = () => `${this.#url.replace('http', 'ws')}/ws`;
    this.#client = new ChatClient({
      url: 'ws://replica/ws',
      token: account.token,
      backoff: { minMs: 10, maxMs: 100 },
      timing: { giveUpMs: 1500 },
      // Where the replica is now: one that was started again has another port.
      WebSocket: class extends WebSocket {
        constructor(given: string, options?: never) {
          super(`${url()}${new URL(given).search}`, options);
        }
      } as never,
    });
    this.#client.on('message', (message) => this.view.show(message));
    this.#client.on('gap', (gap) => this.view.gaps.push(gap));
  }

  async enter(url: string): Promise<void> {
    this.#url = url;
    const event = this.#entered ? 'resumed' : 'hello';
    this.#entered = true;
    this.here = true;
    const entered = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the client was not ${event}: it is ${this.#client.state}`)),
        PATIENCE_MS,
      );
      const forget = this.#client.on(event, () => {
        forget();
        clearTimeout(timer);
        resolve();
      });
    });
    this.#client.connect();
    await entered;
    await this.#client.ping();
  }

  async leave(): Promise<void> {
    this.#client.close();
    this.here = false;
  }

  async say(roomId: RoomId, text: string): Promise<number> {
    return (await this.#client.send(roomId, text)).date;
  }

  look(): void {}
}

/** An event stream, which comes back with the id of its last event. */
export class StreamMember implements Member {
  readonly account: Account;
  readonly view = new View();
  #stream: EventStream | undefined;
  #lastEventId: string | undefined;
  #seen = 0;

  constructor(account: Account) {
    this.account = account;
  }

  get here(): boolean {
    return this.#stream !== undefined;
  }

  async enter(url: string): Promise<void> {
    this.#stream = await EventStream.open(`${url}/stream`, {
      authorization: `Bearer ${this.account.token}`,
      ...(this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId }),
    });
    this.#seen = 0;
    this.view.connection++;
    await this.#stream.next(this.#lastEventId === undefined ? 'hello' : 'resumed');
  }

  async leave(): Promise<void> {
    this.look();
    this.#stream?.close();
    this.#stream = undefined;
  }

  look(): void {
    const events = this.#stream?.events ?? [];
    for (; this.#seen < events.length; this.#seen++) {
      const { id, type, data } = events[this.#seen]!;
      this.#lastEventId = id ?? this.#lastEventId;
      if (type === 'message') this.view.show(data);
      if (type === 'gap') this.view.gaps.push(data);
    }
  }
}
