import {
  type ChatApi,
  ChatClient,
  ChatError,
  type Gap as ClientGap,
  type ReceivedMessage,
  type RoomInfo,
} from '@chat/client';
import {
  CLOSE,
  type HelloRoom,
  LIMITS,
  privateMembers,
  type RoomId,
  type User,
  type UserId,
} from '@chat/protocol';
import { signal } from '@preact/signals';
import { type DraftStorage, Drafts } from '../model/drafts.ts';
import { ReadMarks } from '../model/read-marks.ts';
import { Connection } from './connection.ts';
import { History } from './history.ts';
import { People } from './people.ts';
import { Reading } from './reading.ts';
import { Rooms } from './rooms.ts';
import { Sending } from './sending.ts';
import { Typing } from './typing.ts';

export interface ChatOptions {
  me: User;
  api: ChatApi;
  /** Addresses of the socket, in the order in which they are tried. */
  urls: string[];
  storage: Storage | undefined;
  drafts: DraftStorage | undefined;
  /** The server takes the session no more. */
  onEnd(): void;
}

/** Everything that a signed-in user sees and does. Views read its signals and call its methods. */
export class Chat {
  readonly me: User;
  readonly people: People;
  readonly connection: Connection;
  readonly history: History;
  readonly rooms: Rooms;
  readonly reading: Reading;
  readonly sending: Sending;
  readonly typing = new Typing();
  /** True once the server has told which rooms there are. */
  readonly ready = signal(false);
  /** Bytes that a message's text may have. */
  readonly messageBytes = signal<number>(LIMITS.messageBytes);
  /** What arrived last in the open room, for screen readers. */
  readonly announcement = signal('');
  readonly drafts: Drafts;
  readonly #options: ChatOptions;
  readonly #client: ChatClient;
  readonly #marks: ReadMarks;

  constructor(options: ChatOptions) {
    const { me, api, urls, storage } = options;
    this.#options = options;
    this.me = me;
    this.#client = new ChatClient({ urls });
    this.#marks = new ReadMarks(me.id, storage);
    this.drafts = new Drafts(me.id, options.drafts);
    this.people = new People(api, me);
    this.connection = new Connection(this.#client);
    this.rooms = new Rooms(me.id, this.#marks);
    this.reading = new Reading(this.rooms, this.#marks, me.id);
    this.sending = new Sending({ client: this.#client, connection: this.connection, rooms: this.rooms, me });
    this.history = new History(api, {
      changed: (room) => {
        this.reading.divide();
        this.rooms.touch(room);
      },
      failed: (error) => this.#failed(error),
    });
    this.#listen();
  }

  /** Connects; again after the server refused, too. */
  connect(): void {
    this.#client.connect();
  }

  /** Ends it for good. */
  close(): void {
    this.reading.save();
    this.#client.close();
    this.people.close();
    this.connection.close();
  }

  show(id: RoomId): void {
    this.reading.open(id);
    const room = this.rooms.get(id);
    if (room) void this.history.open(room);
  }

  typed(): void {
    this.#client.typing(this.reading.openId.peek());
  }

  /** @throws ChatError with the server's message, as the next two do. */
  async createRoom(name: string): Promise<RoomId> {
    const { id } = await this.#options.api.createRoom(name);
    await this.#enter(id);
    return id;
  }

  async joinRoom(id: RoomId): Promise<RoomId> {
    await this.#options.api.joinRoom(id);
    await this.#enter(id);
    return id;
  }

  async talkTo(user: UserId): Promise<RoomId> {
    const info = await this.#options.api.createPrivateRoom(this.me.id, user);
    this.#meet(info);
    return info.id;
  }

  /** Takes over what other tabs have read. */
  readElsewhere(): void {
    this.#marks.merge();
    this.rooms.touchAll();
  }

  async #enter(id: RoomId): Promise<void> {
    this.#meet(await this.#client.join(id));
  }

  #listen(): void {
    const client = this.#client;
    client.on('state', ({ state }) => {
      if (state === 'online') this.#readAgain();
    });
    client.on('hello', ({ rooms, limits }) => {
      this.messageBytes.value = limits.messageBytes;
      this.#greet(rooms);
    });
    client.on('message', (message) => this.#receive(message));
    client.on('presence', ({ connected, disconnected, truncated }) => {
      this.people.change(connected, disconnected);
      if (truncated) this.people.refreshSoon();
    });
    client.on('typing', ({ roomId, from }) => {
      if (from !== this.me.id) this.typing.start(roomId, from);
    });
    client.on('room', (info) => this.#meet(info));
    client.on('left', ({ id }) => this.rooms.forget(id));
    client.on('gap', (gap) => this.#miss(gap));
    client.on('stopped', ({ code }) => {
      if (code === CLOSE.sessionEnded.code) this.#options.onEnd();
    });
  }

  #greet(rooms: readonly HelloRoom[]): void {
    const firstTime = this.#marks.isEmpty;
    for (const room of rooms) {
      this.#meet(room);
      if (firstTime) this.reading.begin(room.id, room.last);
    }
    this.rooms.keep(new Set(rooms.map(({ id }) => id)));
    this.ready.value = true;
    this.rooms.flush();
    this.#readAgain();
    void this.history.preview(this.rooms.recent());
    this.people.refreshSoon();
  }

  #miss({ roomId, from, to }: ClientGap): void {
    const room = this.rooms.meet(roomId);
    room.addGap({ from, to });
    // Nothing newer is here, so the newest ones are what is missing first.
    if (to >= room.last) {
      room.last = to;
      room.loaded = false;
      this.#readAgain();
      void this.history.preview(this.rooms.recent());
    }
    this.rooms.touch(room);
  }

  /** Reads the open room, unless that is done; again when it failed before. */
  #readAgain(): void {
    const room = this.rooms.get(this.reading.openId.peek());
    if (!room) return;
    room.problem = undefined;
    this.rooms.touch(room);
    void this.history.open(room);
  }

  #meet({ id, name, names, last }: RoomInfo): void {
    const room = this.rooms.meet(id);
    if (name !== undefined) room.name = name;
    room.last = Math.max(room.last, last ?? 0);
    const members = privateMembers(id);
    if (members && names?.length === 2) {
      this.people.learn(members.map((member, index) => ({ id: member, username: names[index]! })));
    }
    // What was said in a room before one joined it is no news.
    if (last !== undefined && this.ready.peek() && !members) this.reading.begin(id, last);
    this.rooms.touch(room);
  }

  #receive({ own, ...message }: ReceivedMessage): void {
    const room = this.rooms.meet(message.roomId);
    if (room.add([message]).length === 0) return;
    this.typing.stop(room.id, message.from);
    this.reading.arrived(room);
    this.rooms.touch(room);
    if (!own && room.id === this.reading.openId.peek()) {
      this.announcement.value = `${this.people.name(message.from)}: ${message.message}`;
    }
  }

  #failed(error: unknown): void {
    if (error instanceof ChatError && error.status === 401) this.#options.onEnd();
  }
}
