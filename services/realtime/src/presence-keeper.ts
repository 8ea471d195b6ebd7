import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRedisAway, type Logger } from '@chat/kit';
import { CLUSTER_CHANNEL, encodeEnvelope, readUser, type User, type UserId } from '@chat/protocol';
import type { Lease, Presence, PresenceChange } from '@chat/store';
import type { Redis } from 'ioredis';
import type { Fanout } from './fanout.ts';
import { encodeFrame } from './frames-out.ts';
import type { LocalUsers } from './local-users.ts';
import { EVERYONE } from './topics.ts';
import type { UsernameCache } from './username-cache.ts';

/** Changes are told together this often, in milliseconds. */
const COALESCE_MS = 250;
/**
 * Who has no socket here any more is told of after this time, in milliseconds: longer than others take to tell that the
 * user is there now, and than a page takes to load anew. Nobody flickers who goes from one replica to another.
 */
export const LEAVE_MS = 2000;
/** Above this many changes at once they are told in one frame and not in one each. */
const MAX_SINGLE = 16;
/**
 * Above this many, the frame says only that many changed, and whoever shows a list reads it again: with N users who
 * come at once, N sockets times N names would be more than the messages ever are.
 */
const MAX_NAMED = 64;
/** That is said no more often than this, in milliseconds. */
const CROWD_MS = 1000;
/** Users whose change is told to Redis in one go. */
const CHANGE_BATCH = 64;
/** Users of a dead server that are reaped in one go. */
const REAP_BATCH = 500;
/** What the cluster knows of a user here when nobody knows that: no number of sockets is the same. */
const UNKNOWN = -1;
/** How long events are remembered to put them in order, in milliseconds. */
const ORDER_MEMORY_MS = 60_000;

interface PresenceKeeperOptions {
  serverId: string;
  presence: Presence;
  redis: Redis;
  users: LocalUsers;
  usernames: UsernameCache;
  fanout: Fanout;
  logger: Logger;
  /** Seconds that this server's lease lasts without being renewed, and that a claim on a dead one lasts. */
  leaseSeconds: number;
  claimSeconds: number;
}

/**
 * Tells the cluster who is connected here, tells the sockets here who is online anywhere, and takes the users of
 * servers that died off the list.
 */
export class PresenceKeeper {
  readonly #options: PresenceKeeperOptions;
  /** Sockets per user that the cluster knows of, or UNKNOWN. */
  readonly #reported = new Map<UserId, number>();
  /** Users whose number of sockets changed, and when, by performance.now(). */
  readonly #dirty = new Map<UserId, { user: User; at: number }>();
  /** Users of whom nobody knows whether the last change was made and told: its reply was lost. */
  readonly #uncertain = new Set<UserId>();
  readonly #timers: NodeJS.Timeout[] = [];
  #crowdTimer: NodeJS.Timeout | undefined;
  #crowdToldAt = 0;
  #flushing: Promise<void> | undefined;
  #renewing = false;
  #reaping = false;
  #lease: string | undefined;
  /**
   * Before this, by performance.now(), no other server is taken for dead: leases run out while Redis is away, and each
   * server needs its time to connect again and to renew its own. Infinite from a failure to the next success.
   */
  #judgesFrom = 0;
  /** The latest event of each user, by Redis' clock; two generations, so that old ones are forgotten. */
  #latest = new Map<UserId, number>();
  #latestBefore = new Map<UserId, number>();

  constructor(options: PresenceKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    const renewMs = (this.#options.leaseSeconds * 1000) / 4;
    this.#timers.push(
      setInterval(() => void this.flush(), COALESCE_MS),
      setInterval(() => void this.renew(), renewMs),
      setInterval(() => this.#forgetOrder(), ORDER_MEMORY_MS),
    );
    // With the first of its users at the latest there has to be a lease, or nobody would take them off.
    this.#options.redis.on('ready', () => void this.renew());
  }

  /** The number of a user's sockets here changed. */
  changed(user: User): void {
    this.#dirty.set(user.id, { user, at: performance.now() });
  }

  /** Tells the number of sockets of all users here again, after Redis lost it or others reaped this server. */
  reassert(): void {
    // Who just left has to be told of as well.
    for (const id of this.#reported.keys()) this.#reported.set(id, UNKNOWN);
    for (const user of this.#options.users.all()) this.changed(user);
  }

  /** Reads an event that another server published. */
  heard(type: string, data: unknown): void {
    if (type === 'users.changed') {
      const { connected, disconnected, truncated } = (data ?? {}) as Record<string, unknown>;
      if (truncated === true) this.#tellCrowd();
      else this.#tell(this.#inOrder(connected), this.#inOrder(disconnected));
      return;
    }
    const [user] = this.#inOrder([data]);
    if (!user) return;
    if (type === 'user.connected') this.#tell([user], []);
    else this.#tell([], [user]);
  }

  /** Tells what changed; resolves when the cluster knows. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** Renews the lease, and reaps servers whose lease ran out though this one's was renewed in time. */
  async renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    const { presence, leaseSeconds, claimSeconds, logger } = this.#options;
    const judges = !this.#reaping && performance.now() >= this.#judgesFrom;
    try {
      const renewal = await presence.renewLease(leaseSeconds, judges ? claimSeconds : 0);
      const { before, lease, inTime, lapsed, claimed } = renewal;
      if (!inTime || this.#judgesFrom === Number.POSITIVE_INFINITY) {
        const waitSeconds = lapsed ? leaseSeconds : leaseSeconds / 2;
        this.#judgesFrom = performance.now() + waitSeconds * 1000;
      }
      if (this.#lease !== undefined && before !== this.#lease) {
        logger.warn('the lease was lost: telling all connections again');
        this.reassert();
      }
      this.#lease = lease;
      // Not awaited: the users of a large server take longer than the own lease lasts.
      if (claimed.length > 0) void this.#reapAll(claimed);
    } catch (err) {
      this.#judgesFrom = Number.POSITIVE_INFINITY;
      if (!isRedisAway(err)) logger.error({ err }, 'renewing the lease failed');
    } finally {
      this.#renewing = false;
    }
  }

  /**
   * Takes this server and all its users off the list; those who left last have the time that all have to be back
   * elsewhere.
   *
   * @param since by performance.now(), when clients were first asked to go elsewhere
   */
  async stop(since = Number.POSITIVE_INFINITY): Promise<void> {
    const lastLeft = this.#lastLeft(since);
    if (lastLeft !== undefined) await sleep(lastLeft + LEAVE_MS - performance.now());
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#crowdTimer);
    await this.#flushing;
    for (const id of this.#reported.keys()) {
      if (!this.#dirty.has(id)) this.changed(this.#options.users.find(id) ?? { id, username: '' });
    }
    await this.#flush(0);
    const { presence, serverId } = this.#options;
    // Else the lease runs out, and another server takes them off.
    if ((await presence.usersOf(serverId)).length === 0) await presence.forget();
  }

  /** When the last user left who left after a time. */
  #lastLeft(since: number): number | undefined {
    let last: number | undefined;
    for (const [id, { at }] of this.#dirty) {
      if (at >= since && this.#count(id) === 0) last = Math.max(last ?? 0, at);
    }
    return last;
  }

  async #flush(leaveMs = LEAVE_MS): Promise<void> {
    const leftBefore = performance.now() - leaveMs;
    const changed: User[] = [];
    for (const [id, { user, at }] of this.#dirty) {
      const count = this.#count(id);
      if (count === 0 && at > leftBefore) continue;
      this.#dirty.delete(id);
      if (count !== (this.#reported.get(id) ?? 0)) changed.push(user);
    }
    if (changed.length > 0) await this.#change(changed, (user, announce) => this.#report(user, announce));
  }

  async #report(user: User, announce: boolean): Promise<PresenceChange> {
    const count = this.#count(user.id);
    try {
      const change = await this.#options.presence.set(user, count, announce);
      if (count > 0) this.#reported.set(user.id, count);
      else this.#reported.delete(user.id);
      if (!this.#uncertain.delete(user.id) || change.change !== 'none') return change;
      // The event may have been published, and the own echo is not heard: say how it is.
      return { ...change, change: change.online ? 'online' : 'offline' };
    } catch (error) {
      this.#uncertain.add(user.id);
      // Tried again with the next changes.
      if (!this.#dirty.has(user.id)) this.#dirty.set(user.id, { user, at: 0 });
      throw error;
    }
  }

  async #reapAll(claimed: Lease['claimed']): Promise<void> {
    this.#reaping = true;
    try {
      for (const { serverId, lease } of claimed) await this.#reap(serverId, lease);
    } catch (err) {
      // The claims run out, and whoever renews next claims them again.
      if (!isRedisAway(err)) this.#options.logger.error({ err }, 'reaping failed');
    } finally {
      this.#reaping = false;
    }
  }

  async #reap(serverId: string, lease: string): Promise<void> {
    const { presence, usernames, logger } = this.#options;
    const ids = await presence.usersOf(serverId);
    const names = await usernames.find(ids);
    const users = ids.map((id) => ({ id, username: names.get(id) ?? '' }));
    logger.warn({ server: serverId, users: users.length }, 'reaping a server that died');
    for (let start = 0; start < users.length; start += REAP_BATCH) {
      const chunk = users.slice(start, start + REAP_BATCH);
      await this.#change(chunk, (user, announce) => presence.reap(serverId, lease, user, announce));
    }
    if ((await presence.usersOf(serverId)).length === 0) await presence.forget(serverId);
  }

  /** Makes changes and tells them: few in one event each, many in one for all. */
  async #change(
    users: readonly User[],
    change: (user: User, announce: boolean) => Promise<PresenceChange>,
  ): Promise<void> {
    const single = users.length <= MAX_SINGLE;
    const connected: (User & { at: number })[] = [];
    const disconnected: (User & { at: number })[] = [];
    // In parts: the commands of thousands at once would take more memory than the users themselves.
    for (let start = 0; start < users.length; start += CHANGE_BATCH) {
      const part = users.slice(start, start + CHANGE_BATCH);
      const results = await Promise.allSettled(part.map((user) => change(user, single)));
      for (const [index, result] of results.entries()) {
        const { id, username } = part[index]!;
        if (result.status === 'rejected') {
          if (!isRedisAway(result.reason))
            this.#options.logger.error({ err: result.reason }, 'presence failed');
        } else if (result.value.change === 'online') connected.push({ id, username, at: result.value.at });
        else if (result.value.change === 'offline') disconnected.push({ id, username, at: result.value.at });
      }
    }
    if (!single) this.#publish(connected, disconnected);
    this.#tell(this.#inOrder(connected), this.#inOrder(disconnected));
  }

  /** Tells other servers of changes that were not announced one by one. */
  #publish(connected: readonly User[], disconnected: readonly User[]): void {
    const { redis, serverId, logger } = this.#options;
    if (connected.length + disconnected.length === 0) return;
    const data = isCrowd(connected, disconnected) ? CROWD : { connected, disconnected };
    redis.publish(CLUSTER_CHANNEL, encodeEnvelope(serverId, 'users.changed', data)).catch((err: unknown) => {
      logger.warn({ err }, 'presence could not be told to other servers');
    });
  }

  #tell(connected: readonly User[], disconnected: readonly User[]): void {
    const { fanout, users } = this.#options;
    // A foreign server counts only its own sockets: the user is online here all the same.
    const gone = disconnected.filter(({ id }) => {
      const local = users.find(id);
      if (!local) return true;
      this.#reported.set(id, UNKNOWN);
      this.changed(local);
      return false;
    });
    if (isCrowd(connected, gone)) {
      this.#tellCrowd();
      return;
    }
    if (connected.length + gone.length > MAX_SINGLE) {
      const data = { connected: connected.map(named), disconnected: gone.map(named) };
      fanout.publish(EVERYONE, encodeFrame({ type: 'users.changed', data }));
      return;
    }
    for (const { id, username } of connected) {
      fanout.publish(EVERYONE, encodeFrame({ type: 'user.connected', data: { id, username, online: true } }));
    }
    for (const { id, username } of gone) {
      fanout.publish(
        EVERYONE,
        encodeFrame({ type: 'user.disconnected', data: { id, username, online: false } }),
      );
    }
  }

  /** Says that many changed: now if that was not said lately, else once later for all that comes meanwhile. */
  #tellCrowd(): void {
    if (this.#crowdTimer !== undefined) return;
    const wait = Math.max(0, this.#crowdToldAt + CROWD_MS - performance.now());
    this.#crowdTimer = setTimeout(() => {
      this.#crowdTimer = undefined;
      this.#crowdToldAt = performance.now();
      this.#options.fanout.publish(EVERYONE, encodeFrame({ type: 'users.changed', data: CROWD }));
    }, wait);
  }

  #count(id: UserId): number {
    return this.#options.users.find(id)?.peers.length ?? 0;
  }

  /** The users of these events, without events older than one that was told: relays and own replies can cross. */
  #inOrder(events: unknown): User[] {
    if (!Array.isArray(events)) return [];
    return events.flatMap((event) => {
      const user = readUser(event);
      if (!user) return [];
      const { at } = event as { at?: unknown };
      if (typeof at !== 'number') return [user];
      if (at <= (this.#latest.get(user.id) ?? this.#latestBefore.get(user.id) ?? 0)) return [];
      this.#latest.set(user.id, at);
      return [user];
    });
  }

  #forgetOrder(): void {
    this.#latestBefore = this.#latest;
    this.#latest = new Map();
  }
}

const CROWD = { connected: [], disconnected: [], truncated: true as const };

function isCrowd(connected: readonly User[], disconnected: readonly User[]): boolean {
  return connected.length + disconnected.length > MAX_NAMED;
}

function named({ id, username }: User): User {
  return { id, username };
}
