import { performance } from 'node:perf_hooks';
import type { User, UserId } from '@chat/protocol';
import type { Fanout } from '../fanout.ts';
import { encodeFrame } from '../frames-out.ts';
import { EVERYONE } from '../topics.ts';
import { CROWD, MAX_NAMED } from './crowd.ts';

/** A socket is told of changes no more often than this, in milliseconds, however many servers tell of them. */
const TELL_MS = 1000;

/**
 * Tells the sockets here who came and who left: the first change after a quiet second at once, what follows within a
 * second in one frame at its end.
 */
export class Announcer {
  readonly #fanout: Fanout;
  /** What is to be told, the latest of each user. */
  readonly #changes = new Map<UserId, { user: User; online: boolean }>();
  /** More changed than are named. */
  #crowd = false;
  #toldAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(fanout: Fanout) {
    this.#fanout = fanout;
  }

  tell({ id, username }: User, online: boolean): void {
    // Also who came and left within the second: a list that a client read meanwhile may say otherwise.
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
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    const wait = Math.max(0, this.#toldAt + TELL_MS - performance.now());
    this.#timer ??= setTimeout(() => this.#announce(), wait);
  }

  #announce(): void {
    this.#timer = undefined;
    this.#toldAt = performance.now();
    this.#fanout.publish(EVERYONE, this.#frame());
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
