import { CHANNEL, encodeEnvelope, FOR_FOREIGN_SERVERS, type User, type UserId } from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';
import { loadScript } from './scripts.ts';
import { isWrongType, orMissing } from './wrong-type.ts';

/** The scripts, each with the types of its keys. */
const SET = { run: loadScript('presence-set', 4), types: ['hash', 'set', 'set', 'zset'] };
const CLAIM = { run: loadScript('presence-claim', 3), types: ['hash', 'set', 'zset'] };
const FOREIGN_CAME = { run: loadScript('presence-foreign', 4), types: ['hash', 'set', 'set', 'zset'] };
const RENEW = { run: loadScript('lease-renew', 2), types: ['zset', 'zset'] };

/** Foreign servers have no lease of their own: it is named so, and theirs is kept for so long, in seconds. */
const FOREIGN = 'foreign:';
const FOREIGN_LEASE_SECONDS = 24 * 60 * 60;
/** A foreign server's id, which becomes a part of a key. */
const FOREIGN_ID = /^[\w.-]{1,64}$/;

/** What a change of a user's sockets on one server meant for the cluster. */
export interface PresenceChange {
  change: 'online' | 'offline' | 'none' | 'lease lost';
  /** Redis' clock in seconds: events of one user are ordered by it. */
  at: number;
  /** Whether the user is online anywhere now. */
  online: boolean;
}

export interface Lease {
  /** The lease found; undefined when there was none. */
  before: string | undefined;
  lease: string;
  /** The lease found was renewed in time, with half of it left at least. */
  inTime: boolean;
  /** No lease was found, or one that had run out. */
  lapsed: boolean;
  /** Servers whose lease ran out, claimed by this call to be reaped: serverId and the lease set for it. */
  claimed: { serverId: string; lease: string }[];
}

const CHANGES = new Map<number, PresenceChange['change']>([
  [1, 'online'],
  [-1, 'offline'],
  [-2, 'lease lost'],
]);

/** Who is online, counted by sockets per user and server, with leases that outlive no server for long. */
export class Presence {
  readonly #redis: Redis;
  readonly #serverId: string;

  constructor(redis: Redis, serverId: string) {
    this.#redis = redis;
    this.#serverId = serverId;
  }

  /** Says how many sockets a user has on this server. */
  set(user: User, sockets: number): Promise<PresenceChange> {
    return this.#set(this.#serverId, user, sockets);
  }

  /** Takes a user off a dead server whose lease was claimed. */
  reap(serverId: string, lease: string, user: User): Promise<PresenceChange> {
    return this.#set(serverId, user, 0, lease);
  }

  /**
   * Claims a place for one more socket of a user. What is claimed counts until {@link Presence.set}.
   *
   * @param sockets on this server, with this one and all others that it has claimed
   * @param limit sockets that the user may have in the cluster
   * @returns false when there is no place
   */
  async claim(userId: UserId, sockets: number, limit: number): Promise<boolean> {
    const claimed = await this.#run(CLAIM, [
      keys.userConnections(userId),
      keys.serverUsers(this.#serverId),
      keys.servers,
      this.#serverId,
      userId,
      sockets,
      limit,
    ]);
    return claimed === 1;
  }

  /** A foreign server said that a user came: online until it says that the user left, or tells of nobody for a day. */
  async cameElsewhere(foreignId: string, userId: UserId): Promise<void> {
    if (!FOREIGN_ID.test(foreignId)) return;
    const serverId = FOREIGN + foreignId;
    await this.#run(FOREIGN_CAME, [
      keys.userConnections(userId),
      keys.serverUsers(serverId),
      keys.onlineUsers,
      keys.foreignServers,
      serverId,
      userId,
      FOREIGN_LEASE_SECONDS,
    ]);
  }

  /** A foreign server said that a user left, and took the user off the list, wherever else the user is. */
  leftElsewhere(foreignId: string, user: User): Promise<PresenceChange> {
    return this.#set(FOREIGN + (FOREIGN_ID.test(foreignId) ? foreignId : ''), user, 0);
  }

  async #set(serverId: string, user: User, sockets: number, lease = ''): Promise<PresenceChange> {
    const [change, at, online] = (await this.#run(SET, [
      keys.userConnections(user.id),
      keys.serverUsers(serverId),
      keys.onlineUsers,
      leasesOf(serverId),
      serverId,
      user.id,
      sockets,
      lease,
      CHANNEL,
      event('user.connected', user, true),
      event('user.disconnected', user, false),
    ])) as [number, string, number];
    return { change: CHANGES.get(change) ?? 'none', at: Number(at), online: online === 1 };
  }

  /**
   * Renews this server's lease and claims those that ran out, unless it comes late itself: then Redis may have been away.
   *
   * @param leaseSeconds how long the lease lasts
   * @param claimSeconds how long a claim lasts; 0 claims nobody
   */
  async renewLease(leaseSeconds: number, claimSeconds: number): Promise<Lease> {
    const reply = (await this.#run(RENEW, [
      keys.servers,
      keys.foreignServers,
      this.#serverId,
      leaseSeconds,
      claimSeconds,
    ])) as string[];
    const claimed: Lease['claimed'] = [];
    for (let index = 2; index < reply.length; index += 2) {
      claimed.push({ serverId: reply[index]!, lease: reply[index + 1]! });
    }
    const before = reply[0] || undefined;
    const lease = reply[1]!;
    const leftSeconds = before === undefined ? 0 : Number(before) - (Number(lease) - leaseSeconds);
    return { before, lease, inTime: leftSeconds >= leaseSeconds / 2, lapsed: leftSeconds <= 0, claimed };
  }

  /** A key that somebody gave another type goes: it counts nobody, and while it stands nobody could be counted. */
  async #run({ run, types }: typeof SET, args: (string | number)[]): Promise<unknown> {
    try {
      return await run(this.#redis, args);
    } catch (error) {
      if (!isWrongType(error)) throw error;
      for (const [index, type] of types.entries()) {
        const key = String(args[index]);
        if ((await this.#redis.type(key)) !== type) await this.#redis.del(key);
      }
      return run(this.#redis, args);
    }
  }

  /** The users that a server has, or had when it died. */
  async usersOf(serverId: string): Promise<number[]> {
    return (await orMissing(this.#redis.smembers(keys.serverUsers(serverId)), [])).map(Number);
  }

  /** Forgets a server that has no users any more. */
  async forget(serverId: string = this.#serverId): Promise<void> {
    await this.#redis.zrem(leasesOf(serverId), serverId);
  }
}

function leasesOf(serverId: string): string {
  return serverId.startsWith(FOREIGN) ? keys.foreignServers : keys.servers;
}

function event(type: string, { id, username }: User, online: boolean): string {
  return encodeEnvelope(FOR_FOREIGN_SERVERS, type, { id, username, online });
}
