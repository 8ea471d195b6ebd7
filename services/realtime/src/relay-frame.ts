import { isUtf8 } from 'node:buffer';
import { isRoomId, type RoomId } from '@chat/protocol';
import type { Incoming } from './chain.ts';

/** A relayed message found by its layout, without parsing it. */
export interface RelayedMessage extends Incoming {
  roomId: RoomId;
}

/**
 * An envelope of a message exactly as the servers of this cluster write it, read as Latin-1: every byte is one
 * character, so that places are offsets. The text of the message must be a whole JSON string, and numbers must be
 * JSON's, which forbids leading zeros, as all of it is passed on unread.
 */
const LAYOUT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them inside strings
  /^\{"serverId":"[\w.:-]{1,128}","type":"message","data":\{"from":[1-9]\d{0,14},"date":((?:0|[1-9]\d{0,9})\.\d{6}),"message":"[^"\\\0-\x1f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\0-\x1f]*)*","roomId":"([\d:]{1,33})","prev":((?:0|[1-9]\d{0,9})(?:\.\d{1,17})?)(?:,"cid":"[\w.:-]{1,64}")?\}\}$/;

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
  if (!isRoomId(roomId) || !isUtf8(envelope)) return undefined;
  // The first comma ends the serverId, which holds none.
  const comma = envelope.indexOf(COMMA);
  envelope[comma] = OPENING_BRACE;
  return { roomId, date: Number(match[1]), prev: Number(match[3]), frame: envelope.subarray(comma) };
}
