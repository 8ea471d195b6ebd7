import { readUser, type User, type UserId } from '@chat/protocol';

/** How long the latest event of a user is remembered at least, in milliseconds. */
const MEMORY_MS = 60_000;

/** Drops events that are older than one of the same user: relays and own replies can overtake each other. */
export class EventOrder {
  /** The latest event of each user, by Redis' clock; two generations, so that old ones are forgotten. */
  #latest = new Map<UserId, number>();
  #before = new Map<UserId, number>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => {
      this.#before = this.#latest;
      this.#latest = new Map();
    }, MEMORY_MS);
  }

  /** The users of these events as anybody may have published them, but for events that are outdated. */
  news(events: unknown): User[] {
    if (!Array.isArray(events)) return [];
    return events.flatMap((event) => {
      const user = readUser(event);
      if (!user) return [];
      const { at } = event as { at?: unknown };
      if (typeof at !== 'number') return [user];
      if (at <= (this.#latest.get(user.id) ?? this.#before.get(user.id) ?? 0)) return [];
      this.#latest.set(user.id, at);
      return [user];
    });
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
