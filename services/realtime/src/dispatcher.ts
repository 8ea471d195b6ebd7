import { performance } from 'node:perf_hooks';
import { type Logger, toAppError } from '@chat/kit';
import {
  CLOSE,
  CLUSTER_CHANNEL,
  type ClientFrame,
  type ErrorCode,
  encodeEnvelope,
  FrameError,
  LIMITS,
  parseClientFrame,
  privateMembers,
  type RoomId,
  utf8Length,
} from '@chat/protocol';
import { draft, type Rooms } from '@chat/store';
import type { Redis } from 'ioredis';
import type { AppendQueue } from './append-queue.ts';
import type { Fanout } from './fanout.ts';
import { ackFrame, encodeFrame, errorFrame } from './frames-out.ts';
import type { LocalUsers } from './local-users.ts';
import type { RealtimeMetrics } from './metrics.ts';
import type { Peer } from './peer.ts';
import type { Position, Resumes } from './resume.ts';
import type { Room } from './room.ts';
import type { RoomRegistry } from './room-registry.ts';
import type { TokenBucket } from './token-bucket.ts';

interface DispatcherOptions {
  serverId: string;
  rooms: Rooms;
  registry: RoomRegistry;
  users: LocalUsers;
  resumes: Resumes;
  queue: AppendQueue;
  /** For a user's messages. */
  bucket: TokenBucket;
  /** For all other frames of a connection. */
  pace: TokenBucket;
  fanout: Fanout;
  redis: Redis;
  metrics: RealtimeMetrics;
  logger: Logger;
}

/** Bytes that a waiting message takes beside its text. */
const OVERHEAD_BYTES = 512;

/** What is no frame costs as much as this many frames. */
const GARBAGE_COST = 5;
/** Rooms of a resume that cost as much as another frame. */
const RESUMED_PER_TOKEN = 50;

/** Carries out what clients send. Whatever a client sends, it is answered by a frame and never by an exception. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  #cids = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  receive(peer: Peer, text: string): void {
    this.#options.metrics.received++;
    let frame: ClientFrame;
    try {
      frame = parseClientFrame(text);
    } catch (error) {
      if (error instanceof FrameError) this.refuseGarbage(peer, error.code, error.message, error.cid);
      else this.#failed(peer, error);
      return;
    }
    if (frame.type !== 'message' && !this.#paced(peer, costOf(frame))) return;
    try {
      // Whoever speaks without resuming first wants to be live.
      if (peer.park && !peer.park.resuming && frame.type !== 'resume') peer.park.goLive();
      this.#dispatch(peer, frame);
    } catch (error) {
      this.#failed(peer, error);
    }
  }

  /** Nothing that a client sends may end the process. */
  #failed(peer: Peer, err: unknown): void {
    this.#options.logger.error({ err }, 'frame failed');
    if (peer.open) peer.end(CLOSE.tryAgain);
  }

  refuse(peer: Peer, code: ErrorCode, message: string, cid?: string, retryAfterMs?: number): void {
    this.#options.metrics.clientError(code);
    if (peer.open) peer.send(errorFrame(code, message, cid, retryAfterMs));
  }

  /** What is no frame: whoever sends it again and again is closed. */
  refuseGarbage(peer: Peer, code: ErrorCode, message: string, cid?: string): void {
    if (this.#paced(peer, GARBAGE_COST)) this.refuse(peer, code, message, cid);
  }

  /** A ping of the WebSocket protocol, which is answered by the server itself. */
  pinged(peer: Peer): void {
    this.#closeIfTooFast(peer, this.#charge(peer, 1));
  }

  /** False when the connection sends too much: it is warned by an error first, then closed. */
  #paced(peer: Peer, cost: number): boolean {
    const waitMs = this.#charge(peer, cost);
    if (waitMs === 0) return true;
    if (!this.#closeIfTooFast(peer, waitMs))
      this.refuse(peer, 'rate_limited', 'too many frames', undefined, waitMs);
    return false;
  }

  #charge(peer: Peer, cost: number): number {
    peer.pace ??= { tokens: 0, tokensAt: 0 };
    return this.#options.pace.charge(peer.pace, performance.now(), cost);
  }

  #closeIfTooFast(peer: Peer, waitMs: number): boolean {
    if (waitMs !== Number.POSITIVE_INFINITY) return false;
    if (peer.open) peer.end(CLOSE.tooFast);
    return true;
  }

  #dispatch(peer: Peer, frame: ClientFrame): void {
    switch (frame.type) {
      case 'message':
        this.#message(peer, frame);
        return;
      case 'room.join':
        this.#run(peer, this.#join(peer, frame.data.roomId, frame.data.since));
        return;
      case 'room.leave':
        this.#leave(peer, frame.data.roomId);
        return;
      case 'resume':
        this.#run(peer, this.#resume(peer, frame.data.rooms));
        return;
      case 'typing':
        this.#typing(peer, frame.data.roomId);
        return;
      case 'ping':
        peer.send(encodeFrame({ type: 'pong', data: frame.data ?? null }));
    }
  }

  #message(peer: Peer, frame: Extract<ClientFrame, { type: 'message' }>): void {
    const { cid, data } = frame;
    if (data.message === '') {
      this.#refuseMessage(peer, 'message_empty', 'the message is empty', cid);
      return;
    }
    if (utf8Length(data.message) > LIMITS.messageBytes) {
      this.#refuseMessage(
        peer,
        'message_too_large',
        `a message has at most ${LIMITS.messageBytes} bytes`,
        cid,
      );
      return;
    }
    const waitMs = this.#options.bucket.take(peer.user, performance.now());
    if (waitMs > 0) {
      this.#refuseMessage(peer, 'rate_limited', 'too many messages', cid, waitMs);
      return;
    }
    const room = this.#usableRoom(peer, data.roomId);
    if (room) {
      this.#append(peer, frame);
      return;
    }
    const allowed = this.#admit(peer, data.roomId).then((admitted) => {
      if (admitted) this.#append(peer, frame);
      return admitted;
    });
    this.#run(peer, allowed, cid);
  }

  /** Each message is answered, so that its sender knows; but not without end. */
  #refuseMessage(peer: Peer, code: ErrorCode, message: string, cid?: string, retryAfterMs?: number): void {
    const tooFast = this.#closeIfTooFast(peer, this.#charge(peer, 1));
    if (!tooFast) this.refuse(peer, code, message, cid, retryAfterMs);
  }

  #append(peer: Peer, { data, cid, retry }: Extract<ClientFrame, { type: 'message' }>): void {
    const { queue, metrics } = this.#options;
    const { roomId, message } = data;
    // Without a cid the message could not be found again after a lost reply.
    const id = cid ?? `${this.#options.serverId.slice(-24)}.${++this.#cids}`;
    const accepted = queue.push(roomId, {
      draft: draft(peer.user.id, roomId, message, id, retry === true),
      bytes: message.length + OVERHEAD_BYTES,
      stored: ({ date, stored }) => {
        if (stored) metrics.appended++;
        else metrics.found++;
        if (peer.open) peer.cork(() => peer.send(ackFrame(cid, roomId, date)));
      },
      failed: (code, reason) => this.refuse(peer, code, reason, cid, 1000),
    });
    if (!accepted) this.refuse(peer, 'busy', 'too many messages wait to be stored', cid, 1000);
  }

  #usableRoom(peer: Peer, roomId: RoomId): Room | undefined {
    const room = this.#options.registry.find(roomId);
    return room?.opened && this.#options.users.mayUse(peer, room) ? room : undefined;
  }

  /** Looks whether the user got a room that this replica was not told of. */
  async #admit(peer: Peer, roomId: RoomId): Promise<boolean> {
    const { rooms, registry, users } = this.#options;
    const access = await rooms.access(peer.user.id, roomId);
    if (access === 'member') {
      const { room, opened } = registry.openLive(roomId);
      // Who closed meanwhile is counted out already.
      if (peer.open) users.grant(peer.user, room);
      await opened;
      return true;
    }
    const code = access === 'forbidden' ? 'room_forbidden' : 'room_not_found';
    throw new FrameError(code, access === 'forbidden' ? 'this room is not yours' : 'there is no such room');
  }

  async #join(peer: Peer, roomId: RoomId, since: number | undefined): Promise<void> {
    const room = await this.#enter(peer, roomId);
    if (!peer.open) return;
    const last = room.flushed;
    peer.send(encodeFrame({ type: 'room.joined', data: { id: roomId, ...room.title, last } }));
    if (since !== undefined) await this.#resumeAt(peer, [{ room, since }]);
  }

  /** Lets the peer into a room it may enter: one of its user's, or a named one. */
  async #enter(peer: Peer, roomId: RoomId): Promise<Room> {
    const { rooms, registry, users } = this.#options;
    const usable = this.#usableRoom(peer, roomId);
    if (usable) {
      users.join(peer, usable);
      return usable;
    }
    if (privateMembers(roomId)) {
      await this.#admit(peer, roomId);
      return registry.find(roomId)!;
    }
    if ((await rooms.name(roomId)) === undefined)
      throw new FrameError('room_not_found', 'there is no such room');
    const [room] = await registry.open([roomId]);
    if (peer.open) users.join(peer, room!);
    return room!;
  }

  #leave(peer: Peer, roomId: RoomId): void {
    const room = this.#options.registry.find(roomId);
    if (!room || !this.#options.users.mayUse(peer, room)) {
      this.refuse(peer, 'room_not_found', 'you are not in this room');
      return;
    }
    if (privateMembers(roomId)) {
      this.refuse(peer, 'room_forbidden', 'a private room cannot be left');
      return;
    }
    this.#options.users.leave(peer, room);
    peer.send(encodeFrame({ type: 'room.left', data: { id: roomId } }));
  }

  async #resume(peer: Peer, since: Record<RoomId, number>): Promise<void> {
    const ids = Object.keys(since);
    if (ids.length > LIMITS.resumeRooms) {
      peer.park?.goLive();
      throw new FrameError('bad_request', `a resume names at most ${LIMITS.resumeRooms} rooms`);
    }
    peer.park?.startResume();
    const positionIn = (room: Room): Position => ({ room, since: since[room.id]! });
    let rooms: (Room | undefined)[];
    try {
      // Together: what has to be looked up leaves in one go, however many rooms there are.
      rooms = await Promise.all(
        ids.map((id) => this.#enter(peer, id).catch((error: unknown) => this.#skip(peer, id, error))),
      );
    } catch (error) {
      const known = ids.map((id) => this.#usableRoom(peer, id)).filter((room) => room !== undefined);
      this.#options.resumes.forgo(peer, known.map(positionIn));
      throw error;
    }
    await this.#resumeAt(peer, rooms.filter((room) => room !== undefined).map(positionIn));
  }

  async #resumeAt(peer: Peer, positions: readonly Position[]): Promise<void> {
    const { resumes } = this.#options;
    try {
      await resumes.run(peer, positions);
    } catch (error) {
      resumes.forgo(peer, positions);
      throw error;
    }
  }

  /** A room that cannot be resumed, unlike one that cannot be read now, does not keep the others from it. */
  #skip(peer: Peer, roomId: RoomId, error: unknown): undefined {
    if (!(error instanceof FrameError)) throw error;
    this.refuse(peer, error.code, `${roomId}: ${error.message}`);
    return undefined;
  }

  #typing(peer: Peer, roomId: RoomId): void {
    const { bucket, serverId, redis, fanout } = this.#options;
    const room = this.#usableRoom(peer, roomId);
    if (!room) {
      this.refuse(peer, 'room_not_found', 'you are not in this room');
      return;
    }
    // A hint that comes too often is dropped without a word.
    if (bucket.take(peer.user, performance.now()) > 0) return;
    const data = { roomId, from: peer.user.id };
    const frame = encodeFrame({ type: 'typing', data });
    for (const topic of room.topics) fanout.publish(topic, frame);
    redis.publish(CLUSTER_CHANNEL, encodeEnvelope(serverId, 'typing', data)).catch(() => undefined);
  }

  #run(peer: Peer, work: Promise<unknown>, cid?: string): void {
    work.catch((error: unknown) => {
      if (error instanceof FrameError) {
        this.refuse(peer, error.code, error.message, cid);
        return;
      }
      const { code, message, retryAfterMs, cause } = toAppError(error);
      if (code === 'internal') this.#options.logger.error({ err: cause }, 'frame failed');
      this.refuse(peer, code, message, cid, retryAfterMs);
    });
  }
}

/** Tokens of a frame that is no message. */
function costOf(frame: ClientFrame): number {
  return frame.type === 'resume' ? 1 + Object.keys(frame.data.rooms).length / RESUMED_PER_TOKEN : 1;
}
