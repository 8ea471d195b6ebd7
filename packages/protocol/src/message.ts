import type { RoomId, UserId } from './ids.ts';

/**
 * A message as it is stored and sent. `(roomId, date)` identifies it: `date` is given by Redis inside the append
 * script and rises strictly within a room.
 */
export interface Message {
  from: UserId;
  /** Seconds since 1970 with six decimals. */
  date: number;
  message: string;
  roomId: RoomId;
  /** The date of the message before this one in the room, 0 for the first. Foreign servers do not write it. */
  prev?: number;
  /** The sender's own id of the message. Foreign servers do not write it. */
  cid?: string;
}

/** The smallest distance between two dates of a room, in seconds. */
export const DATE_STEP = 1e-6;

/** A last score further ahead of Redis' clock than this (seconds) is a foreign server's mistake: not chained to. */
export const MAX_DATE_AHEAD = 3600;

/** How far back (seconds) a retried send is looked for. */
export const RETRY_WINDOW = 300;
