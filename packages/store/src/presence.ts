import { CHANNEL, envelopePrefix, type User } from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';
import { loadScript } from './scripts.ts';
import { orMissing } from './wrong-type.ts';

const presenceSet = loadScript('presence-set', 4);
const leaseRenew = loadScript('lease-renew', 1);

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

  /**
   * Says how many sockets a user has on this server.
   *
   * @param announce publish user.connected or user.disconnected when it made a difference.
   */
  set(user: User, sockets: number, announce: boolean): Promise<PresenceChange> {
    return this.#set(this.#serverId, user, sockets, announce, '');
  }

  /** Takes a user off a dead server whose lease was claimed. */
  reap(serverId: string, lease: string, user: User, announce: boolean): Promise<PresenceChange> {
    return this.#set(serverId, user, 0, announce, lease);
  }

  async #set(
    serverId: string,
    user: User,
    sockets: number,
    announce: boolean,
    lease: string,
  ): Promise<PresenceChange> {
    const [change, at, online] = (await presenceSet(this.#redis, [
      keys.userConnections(user.id),
      keys.serverUsers(serverId),
      keys.onlineUsers,
      keys.servers,
      serverId,
      user.id,
      sockets,
      lease,
      CHANNEL,
      announce ? this.#event(user, sockets > 0) : '',
    ])) as [number, string, number];
    return { change: CHANGES.get(change) ?? 'none', at: Number(at), online: online === 1 };
  }

  /** The envelope up to the value of its last field, which the script puts in. */
  #event(user: User, online: boolean): string {
    const type = online ? 'user.connected' : 'user.disconnected';
    const data = `{"id":${user.id},"username":${JSON.stringify(user.username)},"online":${online},"at":`;
    return `${envelopePrefix(this.#serverId)}"type":"${type}","data":${data}`;
  }

  /**
   * Renews this server's lease and claims those that ran out, unless it comes late itself: then Redis may have been away.
   *
   * @param leaseSeconds how long the lease lasts
   * @param claimSeconds how long a claim lasts; 0 claims nobody
   */
  async renewLease(leaseSeconds: number, claimSeconds: number): Promise<Lease> {
    const reply = (await leaseRenew(this.#redis, [
      keys.servers,
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

  /** The users that a server has, or had when it died. */
  async usersOf(serverId: string): Promise<number[]> {
    return (await orMissing(this.#redis.smembers(keys.serverUsers(serverId)), [])).map(Number);
  }

  /** Sockets of a user on all other servers. */
  async socketsElsewhere(userId: number): Promise<number> {
    const counts = await this.#redis.hgetall(keys.userConnections(userId));
    let sum = 0;
    for (const [serverId, count] of Object.entries(counts)) {
      if (serverId !== this.#serverId) sum += Number(count) || 0;
    }
    return sum;
  }

  /** Forgets a server that has no users any more. */
  async forget(serverId: string = this.#serverId): Promise<void> {
    await this.#redis.zrem(keys.servers, serverId);
  }
}
