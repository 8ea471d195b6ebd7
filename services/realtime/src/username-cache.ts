import type { UserId } from '@chat/protocol';
import type { Users } from '@chat/store';

/** Names never change; the bound keeps a replica that lives for months from remembering everyone. */
const MAX_NAMES = 100_000;

/** The names of users that this replica met. */
export class UsernameCache {
  readonly #users: Users;
  readonly #names = new Map<UserId, string>();

  constructor(users: Users) {
    this.#users = users;
  }

  /** The names of these users; those who do not exist are left out. */
  async find(ids: readonly UserId[]): Promise<Map<UserId, string>> {
    const unknown = ids.filter((id) => !this.#names.has(id));
    if (unknown.length > 0) {
      const names = await this.#users.names(unknown);
      if (this.#names.size + names.size > MAX_NAMES) this.#names.clear();
      for (const [id, name] of names) this.#names.set(id, name);
      // Not from the cache alone: it may just have been cleared.
      return new Map([...names, ...this.#known(ids)]);
    }
    return new Map(this.#known(ids));
  }

  *#known(ids: readonly UserId[]): Iterable<[UserId, string]> {
    for (const id of ids) {
      const name = this.#names.get(id);
      if (name !== undefined) yield [id, name];
    }
  }
}
