import { performance } from 'node:perf_hooks';
import type { User, UserId } from '@chat/protocol';
import type { Fanout } from '../fanout.ts';
import { encodeFrame } from '../frames-out.ts';
import { EVERYONE } from '../topics.ts';
import { CROWD, MAX_NAMED } from './crowd.ts';

/** A socket is told of changes no more often than this, in milliseconds, however many servers tell of them. */
const PAUSE_MS = 1000;
/**
 * Milliseconds of pause for each socket that was told, and the longest pause: what it costs a replica does not grow with
 * its sockets from 2,500 to 12,500.
 */
const PAUSE_PER_SOCKET_MS = 0.4;
const MAX_PAUSE_MS = 5000;

/**
 * Tells the sockets here who came and who left: the first change after a pause at once, what follows within a pause in one
 * frame at its end.
 */
export class Announcer {
  readonly #fanout: Fanout;
  /** What is to be told, the latest of each user. */
  readonly #changes = new Map<UserId, { user: User; online: boolean }>();
  /** More changed than are named. */
  #crowd = false;
  /** By performance.now(). */
  #pausesUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(fanout: Fanout) {
    this.#fanout = fanout;
  }

  tell({ id, username }: User, online: boolean): void {
    // Also who came and left within the pause: a list that a client read meanwhile may say otherwise.
    this.#changes.set(id, { user: { id, username }, online });
    if (this.#changes.size > MAX_NAMED) this.tellCrowd();
    else this.#schedule();
  }

  /** Says that many changed. */
  tellCrowd(): void {
    this.#crowd = true;
    this.#changes.clear();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#stopped) return;
    const wait = Math.max(0, this.#pausesUntil - performance.now());
    this.#timer ??= setTimeout(() => this.#announce(), wait);
  }

  #announce(): void {
    this.#timer = undefined;
    const sockets = this.#fanout.publish(EVERYONE, this.#frame());
    const pause = Math.min(MAX_PAUSE_MS, Math.max(PAUSE_MS, sockets * PAUSE_PER_SOCKET_MS));
    this.#pausesUntil = performance.now() + pause;
    this.#crowd = false;
    this.#changes.clear();
  }

  #frame(): string {
    if (this.#crowd) return encodeFrame({ type: 'users.changed', data: CROWD });
    const changes = [...this.#changes.values()];
    if (changes.length > 1) {
      const those = (wanted: boolean) =>
        changes.filter(({ online }) => online === wanted).map(({ user }) => user);
      return encodeFrame({
        type: 'users.changed',
        data: { connected: those(true), disconnected: those(false) },
      });
    }
    const { user, online } = changes[0]!;
    return online
      ? encodeFrame({ type: 'user.connected', data: { ...user, online } })
      : encodeFrame({ type: 'user.disconnected', data: { ...user, online } });
  }
}
