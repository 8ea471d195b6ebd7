import type { Logger } from '@chat/kit';
import { readUser, type User } from '@chat/protocol';
import type { Presence } from '@chat/store';
import type { Redis } from 'ioredis';
import type { Fanout } from '../fanout.ts';
import type { LocalUsers } from '../local-users.ts';
import type { UsernameCache } from '../username-cache.ts';
import { Announcer } from './announcer.ts';
import { Changes } from './changes.ts';
import { EventOrder } from './event-order.ts';
import { ForeignUsers } from './foreign-users.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { type Claim, Reporter } from './reporter.ts';

/** Changes are gathered for so long before they are told to the cluster, in milliseconds. */
const COALESCE_MS = 250;

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
 * servers that died off the list: the parts that do it, and what flows between them.
 */
export class PresenceKeeper {
  readonly #options: PresenceKeeperOptions;
  readonly #order = new EventOrder();
  readonly #announcer: Announcer;
  readonly #changes: Changes;
  readonly #reporter: Reporter;
  readonly #leases: LeaseKeeper;
  readonly #foreign: ForeignUsers;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: PresenceKeeperOptions) {
    this.#options = options;
    this.#announcer = new Announcer(options.fanout);
    this.#changes = new Changes({
      ...options,
      onChanged: (connected, disconnected) => this.#tell(connected, disconnected),
    });
    this.#reporter = new Reporter({ ...options, changes: this.#changes });
    this.#leases = new LeaseKeeper({
      ...options,
      changes: this.#changes,
      onLost: () => this.reassert(),
    });
    this.#foreign = new ForeignUsers({
      ...options,
      onPutBack: (user) => this.#changes.tell([user], []),
      onLeft: (user) => this.#tell([], [user]),
    });
  }

  start(): void {
    const renewMs = (this.#options.leaseSeconds * 1000) / 4;
    this.#timers.push(
      setInterval(() => void this.#reporter.flush(), COALESCE_MS),
      setInterval(() => void this.#leases.renew(), renewMs),
    );
    this.#options.redis.on('ready', () => {
      // With the first of its users at the latest there has to be a lease, or nobody would take them off.
      void this.#leases.renew();
      // It may be another Redis now, which lacks the last writes.
      this.reassert();
    });
  }

  /** The number of a user's sockets here changed. */
  changed(user: User): void {
    this.#reporter.changed(user);
  }

  /** Claims a place for one more socket of a user who may have so many in the cluster. */
  claim(user: User, limit: number): Claim {
    return this.#reporter.claim(user, limit);
  }

  /** Makes good what Redis may have lost of the users here. */
  reassert(): void {
    void this.#reporter.reassert();
  }

  /** Reads what another server of the cluster told of users who came and left. */
  heard(data: unknown): void {
    const { connected, disconnected, truncated } = (data ?? {}) as Record<string, unknown>;
    if (truncated === true) this.tellCrowd();
    else this.#tell(connected, disconnected);
  }

  /** Reads what a server written to the tutorial told of a user who came or left there. */
  heardForeign(came: boolean, data: unknown, serverId: string): void {
    const user = readUser(data);
    if (!user) return;
    // A date is from a replica of an earlier version, which counts its sockets as this one does.
    if (typeof (data as { at?: unknown }).at === 'number') {
      this.#tell(came ? [data] : [], came ? [] : [data]);
      return;
    }
    if (!came) {
      void this.#foreign.left(serverId, user);
      return;
    }
    this.#announcer.tell(user, true);
    void this.#foreign.came(serverId, user);
  }

  /** Tells the sockets here that they may have missed who came and left. */
  tellCrowd(): void {
    this.#announcer.tellCrowd();
  }

  /**
   * Takes this server and all its users off the list.
   *
   * @param since by performance.now(), when clients were first asked to go elsewhere
   */
  async stop(since = Number.POSITIVE_INFINITY): Promise<void> {
    await this.#reporter.grace(since);
    for (const timer of this.#timers) clearInterval(timer);
    await this.#reporter.takeAllOff();
    this.#announcer.stop();
    this.#order.stop();
    const { presence, serverId } = this.#options;
    // Else the lease runs out, and another server takes them off.
    if ((await presence.usersOf(serverId)).length === 0) await presence.forget();
  }

  #tell(connected: unknown, disconnected: unknown): void {
    for (const user of this.#order.news(connected)) this.#announcer.tell(user, true);
    for (const user of this.#order.news(disconnected)) {
      // Another server found nobody before it knew of the sockets here.
      const local = this.#options.users.find(user.id);
      if (local) this.#reporter.doubt(local);
      else this.#announcer.tell(user, false);
    }
  }
}
