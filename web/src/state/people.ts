import type { ChatApi } from '@chat/client';
import type { User, UserId } from '@chat/protocol';
import { signal } from '@preact/signals';

/** Ids in one request for names, and how long (ms) ids are collected for one. */
const BATCH = 100;
const COLLECT_MS = 40;
/** Over how long (ms) pages spread the reading of the list that all of them read. */
const SPREAD_MS = 3000;

interface Change {
  connected: readonly User[];
  disconnected: readonly User[];
}

/** Names of users, and who of them is online. */
export class People {
  readonly online = signal<ReadonlyMap<UserId, string>>(new Map());
  readonly #names = signal<ReadonlyMap<UserId, string>>(new Map());
  readonly #api: ChatApi;
  readonly #asked = new Set<UserId>();
  #wanted: UserId[] = [];
  #soon: ReturnType<typeof setTimeout> | undefined;
  /** What changed since the list was asked for, while it is on its way. */
  #changes: Change[] | undefined;

  constructor(api: ChatApi, me: User) {
    this.#api = api;
    this.learn([me]);
  }

  /** A user's name; one that is not known yet is asked for, and the reader is rendered again when it is there. */
  name(id: UserId): string {
    const name = this.#names.value.get(id);
    if (name === undefined) this.#want(id);
    return name ?? '…';
  }

  learn(users: readonly User[]): void {
    const known = this.#names.peek();
    const fresh = users.filter(({ id, username }) => known.get(id) !== username);
    if (fresh.length === 0) return;
    this.#names.value = new Map([...known, ...fresh.map(({ id, username }) => [id, username] as const)]);
  }

  /** Reads the list of who is online anew, without losing what changes meanwhile. */
  async refresh(): Promise<void> {
    const changes: Change[] = [];
    this.#changes = changes;
    let isLatest = false;
    let users: User[];
    try {
      users = await this.#api.online();
    } finally {
      isLatest = this.#changes === changes;
      // Also when it failed: nobody would take up what is collected from now on.
      if (isLatest) this.#changes = undefined;
    }
    if (!isLatest) return;
    this.learn(users);
    this.online.value = new Map(users.map(({ id, username }) => [id, username]));
    for (const { connected, disconnected } of changes) this.change(connected, disconnected);
  }

  /**
   * The same at a random moment within seconds: when a crowd comes, or a replica goes, every page is told so, or
   * connects anew, at once.
   */
  refreshSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      // What fails is made good by the next telling, or when the page reconnects.
      this.refresh().catch(() => undefined);
    }, Math.random() * SPREAD_MS);
  }

  /** Reads nothing any more: the session may have ended. */
  close(): void {
    clearTimeout(this.#soon);
  }

  change(connected: readonly User[], disconnected: readonly User[]): void {
    this.#changes?.push({ connected, disconnected });
    this.learn([...connected, ...disconnected]);
    const online = new Map(this.online.peek());
    for (const { id } of disconnected) online.delete(id);
    for (const { id, username } of connected) online.set(id, username);
    this.online.value = online;
  }

  #want(id: UserId): void {
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    if (this.#wanted.push(id) === 1) setTimeout(() => void this.#ask(), COLLECT_MS);
  }

  async #ask(): Promise<void> {
    const ids = this.#wanted.splice(0, BATCH);
    if (this.#wanted.length > 0) setTimeout(() => void this.#ask(), COLLECT_MS);
    try {
      const users = await this.#api.users(ids);
      // A user that nobody knows (a foreign server's message) is shown by the number, and not asked for again.
      const found = new Map(users.map(({ id, username }) => [id, username]));
      this.learn(ids.map((id) => ({ id, username: found.get(id) ?? `User ${id}` })));
    } catch {
      for (const id of ids) this.#asked.delete(id);
    }
  }
}
