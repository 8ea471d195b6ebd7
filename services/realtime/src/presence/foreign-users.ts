import { isRedisAway, type Logger } from '@chat/kit';
import type { User } from '@chat/protocol';
import type { Presence } from '@chat/store';
import type { Change } from './changes.ts';

interface ForeignUsersOptions {
  presence: Presence;
  logger: Logger;
  /** A user came back online, as sockets elsewhere keep the user there: the first server to find it tells the others. */
  onPutBack: (user: Change) => void;
  /** A user is offline. Each server hears that by itself. */
  onLeft: (user: Change) => void;
}

/** Who is connected to the tutorial's servers, which count their own sockets alone. */
export class ForeignUsers {
  readonly #options: ForeignUsersOptions;

  constructor(options: ForeignUsersOptions) {
    this.#options = options;
  }

  async came(serverId: string, { id }: User): Promise<void> {
    await this.#note(() => this.#options.presence.cameElsewhere(serverId, id));
  }

  async left(serverId: string, { id, username }: User): Promise<void> {
    const { presence, onPutBack, onLeft } = this.#options;
    await this.#note(async () => {
      const { change, online, at } = await presence.leftElsewhere(serverId, { id, username });
      if (!online) onLeft({ id, username, at });
      else if (change === 'online') onPutBack({ id, username, at });
    });
  }

  async #note(note: () => Promise<void>): Promise<void> {
    try {
      await note();
    } catch (err) {
      if (!isRedisAway(err)) this.#options.logger.error({ err }, 'presence of a foreign server failed');
    }
  }
}
