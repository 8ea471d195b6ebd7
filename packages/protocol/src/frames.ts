import type { ErrorCode } from './error-codes.ts';
import { isRoomId, type RoomId, type UserId } from './ids.ts';
import type { ClientLimits } from './limits.ts';
import type { Message } from './message.ts';

export interface User {
  id: UserId;
  username: string;
}

/** A room as hello lists it: named rooms have a name, private ones the names of their two users. */
export interface HelloRoom {
  id: RoomId;
  name?: string;
  names?: string[];
  /** The date up to which the socket has nothing to be sent: what it receives next follows this. */
  last: number;
}

/** Frames a client sends. */
export type ClientFrame =
  | { type: 'message'; data: { roomId: RoomId; message: string }; cid?: string; retry?: boolean }
  | { type: 'room.join'; data: { roomId: RoomId; since?: number } }
  | { type: 'room.leave'; data: { roomId: RoomId } }
  | { type: 'resume'; data: { rooms: Record<RoomId, number> } }
  | { type: 'typing'; data: { roomId: RoomId } }
  | { type: 'ping'; data?: unknown };

/** Frames a server sends. */
export type ServerFrame =
  | {
      type: 'hello';
      data: { serverId: string; user: User; rooms: HelloRoom[]; limits: ClientLimits };
    }
  | { type: 'message'; data: Message }
  | { type: 'ack'; data: { cid?: string; roomId: RoomId; date: number } }
  | { type: 'error'; data: { code: ErrorCode; message: string; cid?: string; retryAfterMs?: number } }
  | { type: 'user.connected'; data: User & { online: true } }
  | { type: 'user.disconnected'; data: User & { online: false } }
  /** Many changed at once; truncated: too many to be named, read GET /users/online again if you show it. */
  | { type: 'users.changed'; data: { connected: User[]; disconnected: User[]; truncated?: true } }
  | { type: 'show.room'; data: { id: RoomId; name?: string; names?: string[]; last?: number } }
  | { type: 'room.renamed'; data: { id: RoomId; name: string } }
  | { type: 'room.joined'; data: { id: RoomId; name?: string; names?: string[]; last: number } }
  | { type: 'room.left'; data: { id: RoomId } }
  | { type: 'resumed'; data: { rooms: Record<RoomId, number> } }
  | { type: 'typing'; data: { roomId: RoomId; from: UserId } }
  | { type: 'gap'; data: { roomId: RoomId; from: number; to: number } }
  | { type: 'degraded'; data: { reason: string } }
  | { type: 'restored'; data: Record<string, never> }
  | { type: 'reconnect'; data: { afterMs: number } }
  | { type: 'pong'; data: unknown };

export type ServerFrameType = ServerFrame['type'];

/** A client's frame that is not one; `code` goes back in an error frame. */
export class FrameError extends Error {
  readonly code: ErrorCode;
  readonly cid: string | undefined;

  constructor(code: ErrorCode, message: string, cid?: string) {
    super(message);
    this.code = code;
    this.cid = cid;
  }
}

/** Source of a pattern of a cid. No character that JSON escapes: the append script compares cids as raw bytes. */
export const CID_SOURCE = '[A-Za-z0-9._:-]{1,64}';
const CID = new RegExp(`^${CID_SOURCE}$`);

/** Levels of the data that a ping gets back. */
const MAX_PING_DEPTH = 16;

/** True for a usable client id of a message: 1 to 64 characters out of letters, digits and `._:-`. */
export function isCid(value: unknown): value is string {
  return typeof value === 'string' && CID.test(value);
}

/**
 * Reads one text frame from a client.
 *
 * @throws FrameError with bad_json, unknown_type, bad_request or invalid_room.
 */
export function parseClientFrame(text: string): ClientFrame {
  const frame = parseObject(text);
  const { type, data, cid } = frame;
  if (cid !== undefined && !isCid(cid)) {
    throw new FrameError('bad_request', 'cid must be 1 to 64 characters out of letters, digits and ._:-');
  }
  try {
    return read(type, data, frame);
  } catch (error) {
    if (error instanceof FrameError && cid !== undefined)
      throw new FrameError(error.code, error.message, cid as string);
    throw error;
  }
}

function read(type: unknown, data: unknown, frame: Record<string, unknown>): ClientFrame {
  switch (type) {
    case 'message': {
      const { roomId, message } = object(data);
      if (typeof message !== 'string') throw new FrameError('bad_request', 'data.message must be a string');
      return {
        type,
        data: { roomId: room(roomId), message },
        cid: frame.cid as string | undefined,
        retry: frame.retry === true,
      };
    }
    case 'room.join': {
      // The tutorial's clients send the bare id.
      if (typeof data !== 'object') return { type, data: { roomId: room(data) } };
      const { roomId, since } = object(data);
      return { type, data: { roomId: room(roomId), since: since === undefined ? undefined : date(since) } };
    }
    case 'room.leave':
      return { type, data: { roomId: room(typeof data === 'object' ? object(data).roomId : data) } };
    case 'resume': {
      const rooms = object(object(data).rooms);
      for (const [id, since] of Object.entries(rooms)) {
        room(id);
        date(since);
      }
      return { type, data: { rooms: rooms as Record<RoomId, number> } };
    }
    case 'typing':
      return { type, data: { roomId: room(object(data).roomId) } };
    case 'ping':
      if (!isShallow(data, MAX_PING_DEPTH)) throw new FrameError('bad_request', 'data is nested too deeply');
      return { type, data };
    default:
      throw new FrameError('unknown_type', `unknown frame type ${shown(type)}`);
  }
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FrameError('bad_json', 'the frame is not JSON');
  }
  return object(value, 'the frame');
}

function object(value: unknown, what = 'data'): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FrameError('bad_request', `${what} must be an object`);
  }
  return value as Record<string, unknown>;
}

function room(value: unknown): RoomId {
  const id = typeof value === 'number' ? String(value) : value;
  if (!isRoomId(id)) throw new FrameError('invalid_room', `no room id: ${shown(value)}`);
  return id;
}

/** False for what JSON.parse can still read and JSON.stringify, which is recursive, can no longer write. */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1));
}

/** A client's value for an error message: short, and never descended into. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(JSON.stringify(value)).slice(0, 64);
}

function date(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new FrameError('bad_request', 'a date must be a number of seconds, 0 or more');
  }
  return value;
}
