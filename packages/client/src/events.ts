import type { HelloRoom, Message, RoomId, ServerFrame, User, UserId } from '@chat/protocol';
import type { RoomInfo } from './joins.ts';
import type { StateChange } from './link.ts';
import type { Gap } from './rooms/timeline.ts';

type DataOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>['data'];

/** A message of a room, in order. */
export type ReceivedMessage = Message & {
  /** The user of this client wrote it, here or on another device. */
  own: boolean;
};

/** What happens, by name. */
export interface ChatEvents {
  /** The connection's state changed. */
  state: StateChange;
  /** A connection is ready; `rooms` are all that the user is in. */
  hello: DataOf<'hello'> & { rooms: HelloRoom[] };
  /** In the order of their dates within a room, each once. */
  message: ReceivedMessage;
  /** A message of this client is stored. */
  ack: DataOf<'ack'>;
  /** Every error frame, also for a message that is tried again by itself. */
  error: DataOf<'error'>;
  /**
   * Users came online and went offline. truncated: more changed than are named; read GET /users/online again to show who
   * is there, after a random delay, as all clients are told so at once.
   */
  presence: { connected: User[]; disconnected: User[]; truncated: boolean };
  /** A room is new to this user, or has a new name. */
  room: RoomInfo;
  /** The user is not in this room any more. */
  left: { id: RoomId };
  typing: { roomId: RoomId; from: UserId };
  /** Messages are missing that have to be read from the history. */
  gap: Gap;
  /** After a reconnect: all that was missed has been delivered. */
  resumed: { rooms: Record<RoomId, number> };
  /** The server ended the connection for good: 4401 log in again, 4403 refused. connect() starts anew. */
  stopped: { code: number; reason: string };
  /** A ping came back. */
  stats: { rttMs: number };
}
