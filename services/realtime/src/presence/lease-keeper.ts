import { performance } from 'node:perf_hooks';
import { isRedisAway, type Logger } from '@chat/kit';
import type { Lease, Presence } from '@chat/store';
import type { UsernameCache } from '../username-cache.ts';
import type { Changes } from './changes.ts';

/** Users of a dead server that are reaped in one go. */
const REAP_BATCH = 500;

interface LeaseKeeperOptions {
  presence: Presence;
  usernames: UsernameCache;
  changes: Changes;
  logger: Logger;
  /** Seconds that this server's lease lasts without being renewed, and that a claim on a dead one lasts. */
  leaseSeconds: number;
  claimSeconds: number;
  /** Others took this server for dead, or Redis lost its lease. */
  onLost: () => void;
}

/** Keeps this server's lease, and takes the users of servers that died off the list. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #renewing = false;
  #reaping = false;
  #lease: string | undefined;
  /**
   * Before this, by performance.now(), no other server is taken for dead: leases run out while Redis is away, and each
   * server needs its time to connect again and to renew its own. Infinite from a failure to the next success.
   */
  #judgesFrom = 0;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Renews the lease, and reaps servers whose lease ran out though this one's was renewed in time. */
  async renew(): Promise<void> {
    if (this.#renewing) return;
    this.#renewing = true;
    const { presence, leaseSeconds, claimSeconds, logger, onLost } = this.#options;
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
        onLost();
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
    const { presence, usernames, changes, logger } = this.#options;
    const ids = await presence.usersOf(serverId);
    const names = await usernames.find(ids);
    const users = ids.map((id) => ({ id, username: names.get(id) ?? '' }));
    logger.warn({ server: serverId, users: users.length }, 'reaping a server that died');
    for (let start = 0; start < users.length; start += REAP_BATCH) {
      const chunk = users.slice(start, start + REAP_BATCH);
      await changes.make(chunk, (user) => presence.reap(serverId, lease, user));
    }
    if ((await presence.usersOf(serverId)).length === 0) await presence.forget(serverId);
  }
}
