import { CHANNEL, CLUSTER_CHANNEL, encodeEnvelope, type RoomId, type UserId } from '@chat/protocol';
import type { Redis } from 'ioredis';

/** Tells the realtime replicas that users have a room they did not have before. */
export class RoomEvents {
  readonly #redis: Redis;
  readonly #serverId: string;
  readonly #privateChannel: string;

  /** @param sharePrivate whether servers written to the tutorial hear of private rooms */
  constructor(redis: Redis, serverId: string, sharePrivate: boolean) {
    this.#redis = redis;
    this.#serverId = serverId;
    this.#privateChannel = sharePrivate ? CHANNEL : CLUSTER_CHANNEL;
  }

  /** The open sockets of both users get the room. */
  async privateRoom(id: RoomId, names: readonly string[]): Promise<void> {
    const event = encodeEnvelope(this.#serverId, 'show.room', { id, names });
    await this.#redis.publish(this.#privateChannel, event);
  }

  /** The open sockets of this user alone get the room. */
  async namedRoom(id: RoomId, name: string, userId: UserId): Promise<void> {
    const data = { id, name, userId };
    await this.#redis.publish(CLUSTER_CHANNEL, encodeEnvelope(this.#serverId, 'room.granted', data));
  }
}
