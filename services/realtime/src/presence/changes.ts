import { isRedisAway, type Logger } from '@chat/kit';
import { CLUSTER_CHANNEL, encodeEnvelope, type User } from '@chat/protocol';
import type { PresenceChange } from '@chat/store';
import type { Redis } from 'ioredis';
import { CROWD, MAX_NAMED } from './crowd.ts';

/** Users whose change is made in Redis in one go. */
const BATCH = 64;

/** A user who came or left, and when by Redis' clock. */
export type Change = User & { at: number };

interface ChangesOptions {
  serverId: string;
  redis: Redis;
  logger: Logger;
  /** Told what changed, in parts. */
  onChanged: (connected: readonly Change[], disconnected: readonly Change[]) => void;
}

/** Changes of who is online: made in Redis, and told to the other servers of the cluster in one event for all. */
export class Changes {
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** Makes the change of each user; what fails is logged unless Redis is away. */
  async make(users: readonly User[], change: (user: User) => Promise<PresenceChange>): Promise<void> {
    const connected: Change[] = [];
    const disconnected: Change[] = [];
    // In parts: the commands of thousands at once would take more memory than the users themselves.
    for (let start = 0; start < users.length; start += BATCH) {
      const part = users.slice(start, start + BATCH);
      const results = await Promise.allSettled(part.map(change));
      for (const [index, result] of results.entries()) {
        const { id, username } = part[index]!;
        if (result.status === 'rejected') {
          if (!isRedisAway(result.reason))
            this.#options.logger.error({ err: result.reason }, 'presence failed');
        } else if (result.value.change === 'online') connected.push({ id, username, at: result.value.at });
        else if (result.value.change === 'offline') disconnected.push({ id, username, at: result.value.at });
      }
    }
    if (connected.length + disconnected.length > 0) this.tell(connected, disconnected);
  }

  /** Tells the other servers, and this one. */
  tell(connected: readonly Change[], disconnected: readonly Change[]): void {
    const { redis, serverId, logger, onChanged } = this.#options;
    const isCrowd = connected.length + disconnected.length > MAX_NAMED;
    const data = isCrowd ? CROWD : { connected, disconnected };
    redis.publish(CLUSTER_CHANNEL, encodeEnvelope(serverId, 'users.changed', data)).catch((err: unknown) => {
      logger.warn({ err }, 'presence could not be told to other servers');
    });
    onChanged(connected, disconnected);
  }
}
