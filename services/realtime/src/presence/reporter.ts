import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRedisAway, type Logger } from '@chat/kit';
import type { User, UserId } from '@chat/protocol';
import type { Presence, PresenceChange } from '@chat/store';
import type { LocalUsers } from '../local-users.ts';
import type { UsernameCache } from '../username-cache.ts';
import type { Changes } from './changes.ts';

/**
 * Grace period before a departure is announced, in milliseconds: longer than others take to tell that the user is there
 * now, and than a page takes to load anew. A user who goes from one replica to another does not flicker.
 */
export const LEAVE_MS = 2000;
/** Unknown; equals no real count, so the next flush reports it. */
const UNKNOWN = -1;
/** Users whose number is told again with one flush though Redis seems to have it. */
const REASSERT_BATCH = 128;

interface ReporterOptions {
  serverId: string;
  presence: Presence;
  users: LocalUsers;
  usernames: UsernameCache;
  changes: Changes;
  logger: Logger;
}

/** A place for a socket that is being admitted. */
export interface Claim {
  /** False: the user has as many sockets as allowed. Rejects with Redis' errors. */
  granted: Promise<boolean>;
  /** Gives the place back, or leaves it to the socket that was let in. */
  release(): void;
}

/** Tells the cluster how many sockets each user has here. */
export class Reporter {
  readonly #options: ReporterOptions;
  /** Sockets per user that the cluster knows of, or UNKNOWN. */
  readonly #reported = new Map<UserId, number>();
  /** Users whose number of sockets changed, and when, by performance.now(). */
  readonly #dirty = new Map<UserId, { user: User; at: number }>();
  /** Places of sockets that are being admitted: they count, or a flush would take them from under the admission. */
  readonly #claims = new Map<UserId, number>();
  /** Users whose last change may not have been told: its reply was lost. */
  readonly #uncertain = new Set<UserId>();
  /** Users whose number is told again when there is time. */
  readonly #doubtful = new Set<UserId>();
  #flushing: Promise<void> | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** The number of a user's sockets here changed. */
  changed(user: User): void {
    this.#dirty.set(user.id, { user, at: performance.now() });
  }

  /** The cluster may have another number of a user's sockets than this server. */
  doubt(user: User): void {
    this.#reported.set(user.id, UNKNOWN);
    // A user who just left keeps the grace period.
    if (!this.#dirty.has(user.id)) this.#dirty.set(user.id, { user, at: Number.NEGATIVE_INFINITY });
  }

  /** Claims a place for one more socket of a user who may have so many in the cluster. */
  claim(user: User, limit: number): Claim {
    this.#claims.set(user.id, (this.#claims.get(user.id) ?? 0) + 1);
    this.#reported.set(user.id, UNKNOWN);
    const granted = this.#options.presence.claim(user.id, this.#count(user.id), limit);
    return {
      granted,
      release: () => {
        const left = this.#claims.get(user.id)! - 1;
        if (left > 0) this.#claims.set(user.id, left);
        else this.#claims.delete(user.id);
        this.doubt(user);
      },
    };
  }

  /**
   * Makes good what Redis may have lost, in a failover for instance: users here whom it does not know, and users whom it
   * still has here, at once; the others' numbers bit by bit, as all servers do this at the same time.
   */
  async reassert(): Promise<void> {
    const { presence, serverId, users, usernames, logger } = this.#options;
    try {
      const listed = new Set(await presence.usersOf(serverId));
      for (const user of users.all()) {
        if (listed.delete(user.id)) this.#doubtful.add(user.id);
        else this.doubt(user);
      }
      const left = [...listed].filter((id) => this.#count(id) === 0);
      const names = await usernames.find(left);
      for (const id of left) this.doubt({ id, username: names.get(id) ?? '' });
    } catch (err) {
      // When Redis went away again, it is asked again once it is back.
      if (!isRedisAway(err)) logger.error({ err }, 'presence could not be compared');
    }
  }

  /** Tells what changed; resolves when the cluster knows. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /**
   * Waits until those who left last had the time that all have to be back elsewhere.
   *
   * @param since by performance.now(), when clients were first asked to go elsewhere
   */
  async grace(since: number): Promise<void> {
    const lastLeft = this.#lastLeft(since);
    if (lastLeft !== undefined) await sleep(lastLeft + LEAVE_MS - performance.now());
  }

  /** Takes all users here off the list. */
  async takeAllOff(): Promise<void> {
    await this.#flushing;
    for (const id of this.#reported.keys()) {
      if (!this.#dirty.has(id)) this.changed(this.#options.users.find(id) ?? { id, username: '' });
    }
    await this.#flush(0);
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
    this.#takeDoubtful();
    const leftBefore = performance.now() - leaveMs;
    const changed: User[] = [];
    for (const [id, { user, at }] of this.#dirty) {
      const count = this.#count(id);
      if (count === 0 && at > leftBefore) continue;
      this.#dirty.delete(id);
      if (count !== (this.#reported.get(id) ?? 0)) changed.push(user);
    }
    if (changed.length > 0) await this.#options.changes.make(changed, (user) => this.#report(user));
  }

  #takeDoubtful(): void {
    let taken = 0;
    for (const id of this.#doubtful) {
      if (taken++ === REASSERT_BATCH) return;
      this.#doubtful.delete(id);
      const user = this.#options.users.find(id);
      if (user) this.doubt(user);
    }
  }

  async #report(user: User): Promise<PresenceChange> {
    const count = this.#count(user.id);
    // Before the reply: what is claimed meanwhile makes it unknown again.
    this.#reported.set(user.id, count);
    try {
      const change = await this.#options.presence.set(user, count);
      if (this.#reported.get(user.id) === 0) this.#reported.delete(user.id);
      if (!this.#uncertain.delete(user.id) || change.change !== 'none') return change;
      // The change may have been made without a reply, and then nobody was told: say how it is.
      return { ...change, change: change.online ? 'online' : 'offline' };
    } catch (error) {
      this.#uncertain.add(user.id);
      // Tried again with the next changes.
      this.doubt(user);
      throw error;
    }
  }

  /** Sockets of a user here, and those that are being admitted. */
  #count(id: UserId): number {
    return (this.#options.users.find(id)?.peers.length ?? 0) + (this.#claims.get(id) ?? 0);
  }
}
