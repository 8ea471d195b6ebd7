import type { ErrorCode, RoomId, ServerFrame } from '@chat/protocol';
import type { StoredMessage } from '@chat/store';
import type { Incoming } from './chain.ts';

/** Encodes a frame for clients. */
export function encodeFrame(frame: ServerFrame): string {
  return JSON.stringify(frame);
}

/** The frame of a message from the message's JSON, which is not encoded again. */
export function messageFrame(json: string): string {
  return `{"type":"message","data":${json}}`;
}

/** A message that was read from its room. */
export function incomingOf({ json, date, prev }: StoredMessage): Incoming {
  return { date, prev, frame: messageFrame(json), identity: prev === undefined ? json : undefined };
}

/** Tells that the messages after a date and up to another are left to the history. */
export function gapFrame(roomId: RoomId, from: number, to: number): string {
  return encodeFrame({ type: 'gap', data: { roomId, from, to } });
}

/** @param date as the append script gave it, put in as it is */
export function ackFrame(cid: string | undefined, roomId: RoomId, date: string): string {
  const id = cid === undefined ? '' : `"cid":"${cid}",`;
  return `{"type":"ack","data":{${id}"roomId":"${roomId}","date":${date}}}`;
}

export function errorFrame(code: ErrorCode, message: string, cid?: string, retryAfterMs?: number): string {
  return encodeFrame({ type: 'error', data: { code, message, cid, retryAfterMs } });
}

export function frameText(frame: string | Uint8Array): string {
  return typeof frame === 'string'
    ? frame
    : Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString();
}
