import type { Logger } from '@chat/kit';
import {
  isRoomId,
  normalizeName,
  parseUserId,
  privateMembers,
  type RoomId,
  type UserId,
} from '@chat/protocol';
import type { Fanout } from './fanout.ts';
import { encodeFrame } from './frames-out.ts';
import type { LocalUsers } from './local-users.ts';
import type { RealtimeMetrics } from './metrics.ts';
import type { PresenceKeeper } from './presence/keeper.ts';
import type { Rebalancer } from './rebalancer.ts';
import type { RoomRegistry } from './room-registry.ts';
import type { SessionGuard } from './session-guard.ts';
import { userTopic } from './topics.ts';

interface EventsOptions {
  users: LocalUsers;
  registry: RoomRegistry;
  presence: PresenceKeeper;
  sessions: SessionGuard;
  rebalancer: Rebalancer;
  fanout: Fanout;
  metrics: RealtimeMetrics;
  logger: Logger;
  /** Told of the users who got a room, or lost their sessions, connected or not. */
  onUsersChanged: (userIds: readonly UserId[]) => void;
  onSessionEnded: (session: string) => void;
}

/** The id of a revocation, which becomes a part of a key. */
const REQUEST = /^[\w-]{1,64}$/;

/**
 * What other servers publish beside messages. Types that a channel does not have are counted and ignored: whoever
 * writes to MESSAGES, which is public, cannot end sessions or move clients.
 */
export class Events {
  readonly #options: EventsOptions;

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  /** From MESSAGES: what the tutorial knows. */
  receive(type: string, data: unknown, serverId: string): void {
    const { presence, metrics } = this.#options;
    switch (type) {
      case 'user.connected':
      case 'user.disconnected':
        presence.heardForeign(type === 'user.connected', data, serverId);
        return;
      case 'show.room':
        this.#showRoom(data);
        return;
      default:
        metrics.ignored('unknown');
    }
  }

  /** From the channel of this cluster. */
  receiveCluster(type: string, data: unknown, serverId: string): void {
    const { presence, rebalancer, metrics } = this.#options;
    switch (type) {
      case 'users.changed':
        presence.heard(data);
        return;
      case 'show.room':
        this.#showRoom(data);
        return;
      case 'room.granted':
        this.#granted(data);
        return;
      case 'room.renamed':
        this.#renamed(data);
        return;
      case 'session.revoked':
        this.#revoked(data);
        return;
      case 'typing':
        this.#typing(data);
        return;
      case 'server.heartbeat':
        rebalancer.heard(serverId, data);
        return;
      default:
        metrics.ignored('unknown');
    }
  }

  /** A private room for its two users alone. */
  #showRoom(data: unknown): void {
    const { id } = fields(data);
    const members = isRoomId(id) && privateMembers(id);
    if (members) this.#grant(id, members);
    else this.#options.metrics.ignored('malformed');
  }

  /** A named room for the user who joined it. */
  #granted(data: unknown): void {
    const { id, userId } = fields(data);
    const user = parseUserId(userId);
    if (isNamedRoom(id) && user !== undefined) this.#grant(id, [user]);
    else this.#options.metrics.ignored('malformed');
  }

  #grant(id: RoomId, userIds: readonly UserId[]): void {
    this.#options.onUsersChanged(userIds);
    this.show(id, userIds);
  }

  /** Gives all users of this replica the rooms that they got while nothing was heard of it. */
  async showGained(): Promise<void> {
    for await (const [id, userIds] of this.#options.users.gained()) this.show(id, userIds);
  }

  /** Gives users of this replica a room that is new to them. */
  show(id: RoomId, userIds: readonly UserId[]): void {
    const { users, registry, fanout, logger } = this.#options;
    const local = userIds.map((userId) => users.find(userId)).filter((user) => user !== undefined);
    if (local.length === 0) return;
    const { room, opened } = registry.openLive(id);
    for (const user of local) users.grant(user, room);
    room.whenOpen(() => {
      const frame = encodeFrame({ type: 'show.room', data: { id, ...room.title, last: room.flushed } });
      for (const user of local) {
        fanout.publish(userTopic(user.id), frame);
        // Who is held back has no topics yet.
        for (const peer of user.peers) if (peer.park && peer.open) peer.cork(() => peer.send(frame));
      }
    });
    opened.catch((err: unknown) => logger.warn({ err, roomId: id }, 'a new room could not be read'));
  }

  #renamed(data: unknown): void {
    const { id, name } = fields(data);
    const title = normalizeName(name);
    if (!isNamedRoom(id) || title === undefined) {
      this.#options.metrics.ignored('malformed');
      return;
    }
    const room = this.#options.registry.find(id);
    if (!room) return;
    room.title = { name: title };
    const frame = encodeFrame({ type: 'room.renamed', data: { id, name: title } });
    for (const topic of room.topics) this.#options.fanout.publish(topic, frame);
  }

  #revoked(data: unknown): void {
    const { sessions, metrics, onUsersChanged, onSessionEnded } = this.#options;
    const { session, userId, except, request } = fields(data);
    const user = parseUserId(userId);
    let closed: number;
    if (typeof session === 'string') {
      onSessionEnded(session);
      closed = sessions.revoke(session);
    } else if (user !== undefined) {
      onUsersChanged([user]);
      closed = sessions.revokeUser(user, except);
    } else {
      metrics.ignored('malformed');
      return;
    }
    if (typeof request === 'string' && REQUEST.test(request)) sessions.answer(request, closed);
  }

  #typing(data: unknown): void {
    const { roomId, from } = fields(data);
    const user = parseUserId(from);
    const room = isRoomId(roomId) ? this.#options.registry.find(roomId) : undefined;
    if (!room || user === undefined) return;
    const frame = encodeFrame({ type: 'typing', data: { roomId: room.id, from: user } });
    for (const topic of room.topics) this.#options.fanout.publish(topic, frame);
  }
}

function isNamedRoom(id: unknown): id is RoomId {
  return isRoomId(id) && !privateMembers(id);
}

function fields(data: unknown): Record<string, unknown> {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
}
