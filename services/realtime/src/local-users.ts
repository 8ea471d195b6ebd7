import { performance } from 'node:perf_hooks';
import type { RoomId, User, UserId } from '@chat/protocol';
import type { Rooms } from '@chat/store';
import { LocalUser } from './local-user.ts';
import type { Peer } from './peer.ts';
import type { Room } from './room.ts';
import type { RoomRegistry } from './room-registry.ts';
import type { TokenBucket, Tokens } from './token-bucket.ts';
import { isNamed } from './topics.ts';

/** Users whose rooms are read in one round trip. */
const USERS_PER_TRIP = 500;

/** The users connected to this replica, their connections, rooms and sessions. */
export class LocalUsers {
  readonly #rooms: Rooms;
  readonly #registry: RoomRegistry;
  readonly #onChange: (user: LocalUser) => void;
  readonly #users = new Map<UserId, LocalUser>();
  readonly #sessions = new Map<string, readonly Peer[]>();
  readonly #bucket: TokenBucket;
  /** What users who left had used up: coming back does not give it back. */
  readonly #used = new Map<UserId, Tokens>();

  /**
   * @param bucket for a user's messages
   * @param onChange told when the number of a user's connections changed
   */
  constructor(
    rooms: Rooms,
    registry: RoomRegistry,
    bucket: TokenBucket,
    onChange: (user: LocalUser) => void,
  ) {
    this.#rooms = rooms;
    this.#registry = registry;
    this.#bucket = bucket;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#users.size;
  }

  all(): Iterable<LocalUser> {
    return this.#users.values();
  }

  find(id: UserId): LocalUser | undefined {
    return this.#users.get(id);
  }

  /** The hashes of all sessions with a connection here. */
  sessions(): Iterable<string> {
    return this.#sessions.keys();
  }

  peersOf(session: string): readonly Peer[] {
    return this.#sessions.get(session) ?? [];
  }

  /** The rooms of a user, open on this replica. They are read each time: foreign servers change them silently. */
  async roomsOf(userId: UserId): Promise<Room[]> {
    return this.#registry.open(await this.#rooms.roomsOf(userId));
  }

  /**
   * Reads the rooms of all users here anew, some users at a time.
   *
   * @returns rooms that were not known to be theirs, each with the users who have it now
   */
  async *gained(): AsyncGenerator<[RoomId, UserId[]]> {
    const users = [...this.#users.values()];
    for (let start = 0; start < users.length; start += USERS_PER_TRIP) {
      const some = users.slice(start, start + USERS_PER_TRIP);
      const read = await Promise.all(some.map(({ id }) => this.#rooms.roomsOf(id)));
      const gained = new Map<RoomId, UserId[]>();
      for (const [index, user] of some.entries()) {
        for (const id of read[index]!) {
          const room = this.#registry.find(id);
          if (room && user.has(room)) continue;
          const owners = gained.get(id);
          if (owners) owners.push(user.id);
          else gained.set(id, [user.id]);
        }
      }
      yield* gained;
    }
  }

  /** The user as known here; call {@link LocalUsers.attach} in the same turn. */
  get(user: User): LocalUser {
    return this.#users.get(user.id) ?? this.#create(user);
  }

  /** Counts a connection in, with the rooms of its user. */
  attach(peer: Peer, rooms: readonly Room[]): void {
    const { user, session } = peer;
    this.#users.set(user.id, user);
    this.#grantAll(user, rooms);
    user.peers = [...user.peers, peer];
    this.#sessions.set(session, [...(this.#sessions.get(session) ?? []), peer]);
    this.#onChange(user);
  }

  detach(peer: Peer): void {
    const { user, session } = peer;
    user.peers = without(user.peers, peer);
    const peers = without(this.#sessions.get(session) ?? [], peer);
    if (peers.length > 0) this.#sessions.set(session, peers);
    else this.#sessions.delete(session);
    for (const id of peer.joined ?? []) this.#leave(id);
    if (user.peers.length === 0) {
      this.#users.delete(user.id);
      if (!this.#bucket.isFull(user, performance.now())) {
        const { tokens, tokensAt } = user;
        this.#used.set(user.id, { tokens, tokensAt });
      }
      for (const room of user.rooms) this.#uncount(room);
    }
    this.#onChange(user);
  }

  /** Gives a user a room: the connections that are live receive it from now on. False when it was there already. */
  grant(user: LocalUser, room: Room): boolean {
    return this.#grantAll(user, [room]);
  }

  /** Lets one connection into a named room, without making its user a member. */
  join(peer: Peer, room: Room): void {
    if (peer.joined?.has(room.id) || peer.user.has(room)) {
      enter(peer, room);
      return;
    }
    peer.joined ??= new Set();
    peer.joined.add(room.id);
    room.members++;
    enter(peer, room);
  }

  /** Stops a named room's frames for one connection. */
  leave(peer: Peer, room: Room): void {
    for (const topic of room.topics) if (isNamed(topic)) peer.unsubscribe(topic);
    if (peer.joined?.delete(room.id)) this.#uncount(room);
  }

  /** True when this connection may send into the room and read it. */
  mayUse(peer: Peer, room: Room): boolean {
    return peer.user.has(room) || peer.joined?.has(room.id) === true;
  }

  /** Forgets what users who left had used up, once it would be there again. */
  sweep(): void {
    const now = performance.now();
    for (const [id, used] of this.#used) if (this.#bucket.isFull(used, now)) this.#used.delete(id);
  }

  #create({ id, username }: User): LocalUser {
    return Object.assign(new LocalUser(id, username), this.#used.get(id));
  }

  #grantAll(user: LocalUser, rooms: readonly Room[]): boolean {
    const fresh = rooms.filter((room) => !user.has(room));
    if (fresh.length === 0) return false;
    user.rooms = [...user.rooms, ...fresh];
    for (const room of fresh) {
      room.members++;
      for (const peer of user.peers) enter(peer, room);
    }
    return true;
  }

  #leave(id: RoomId): void {
    const room = this.#registry.find(id);
    if (room) this.#uncount(room);
  }

  #uncount(room: Room): void {
    room.members--;
    if (room.members === 0) room.emptySince = performance.now();
  }
}

function enter(peer: Peer, room: Room): void {
  if (peer.park) peer.park.add(room);
  else for (const topic of room.topics) if (isNamed(topic)) peer.subscribe(topic);
}

function without<T>(items: readonly T[], item: T): T[] {
  return items.filter((other) => other !== item);
}
