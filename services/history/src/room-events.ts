import { CHANNEL, CLUSTER_CHANNEL, encodeEnvelope, type RoomId, type UserId } from '@chat/protocol';
import type { Redis } from 'ioredis';

/** Tells the realtime replicas that users have a room they did not have before. */
export class RoomEvents {
  readonly #redis: Redis;
  readonly #serverId: string;

  constructor(redis: Redis, serverId: string) {
    this.#redis = redis;
    this.#serverId = serverId;
  }

  /** The open sockets of both users get the room, also those at servers written to the tutorial. */
  async privateRoom(id: RoomId, names: readonly string[]): Promise<void> {
    await this.#redis.publish(CHANNEL, encodeEnvelope(this.#serverId, 'show.room', { id, names }));
  }

  /** The open sockets of this user alone get the room. */
  async namedRoom(id: RoomId, name: string, userId: UserId): Promise<void> {
    const data = { id, name, userId };
    await this.#redis.publish(CLUSTER_CHANNEL, encodeEnvelope(this.#serverId, 'room.granted', data));
  }
}
