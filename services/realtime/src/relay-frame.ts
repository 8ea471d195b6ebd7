import { isUtf8 } from 'node:buffer';
import { isRoomId, MESSAGE_SOURCE, type RoomId } from '@chat/protocol';
import type { Incoming } from './chain.ts';

/** A relayed message found by its layout, without parsing it. */
export interface RelayedMessage extends Incoming {
  roomId: RoomId;
}

/**
 * An envelope of a message exactly as the servers of this cluster write it, read as Latin-1: every byte is one
 * character, so that places are offsets.
 */
const LAYOUT = new RegExp(`^\\{"serverId":"[\\w.:-]{1,128}","type":"message","data":${MESSAGE_SOURCE}\\}$`);

const COMMA = 0x2c;
const OPENING_BRACE = 0x7b;

/**
 * Reads a relayed message by its layout. The frame for clients is the envelope without its serverId, so it is cut out
 * of the same bytes: the comma after the serverId becomes the opening brace.
 *
 * @param envelope is changed
 * @returns undefined when the envelope has another layout: parse it
 */
export function readRelayed(envelope: Buffer): RelayedMessage | undefined {
  const match = LAYOUT.exec(envelope.toString('latin1'));
  if (!match) return undefined;
  const roomId = match[2]!;
  const [date, prev] = [Number(match[1]), Number(match[3])];
  if (prev >= date || !isRoomId(roomId) || !isUtf8(envelope)) return undefined;
  // The first comma ends the serverId, which holds none.
  const comma = envelope.indexOf(COMMA);
  envelope[comma] = OPENING_BRACE;
  return { roomId, date, prev, frame: envelope.subarray(comma) };
}
