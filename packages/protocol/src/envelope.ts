import { isRoomId, parseUserId, type UserId } from './ids.ts';
import type { Message } from './message.ts';

/** The Redis channel that all servers of the chat publish to and listen on, whatever language they are written in. */
export const CHANNEL = 'MESSAGES';

/**
 * The Redis channel of this cluster's servers alone, for what the tutorial does not know: its servers hand all that
 * comes over {@link CHANNEL} to every browser, and would let anybody's server end sessions.
 */
export const CLUSTER_CHANNEL = 'chat:cluster';

/**
 * The serverId of what is published on {@link CHANNEL} for the tutorial's servers alone, which compare it with their own
 * and nothing else: this cluster's hear the same on {@link CLUSTER_CHANNEL}, and skip it unread.
 */
export const FOR_FOREIGN_SERVERS = 'for-foreign-servers';

/** What travels on both channels. Foreign servers write numbers as serverId, and their own JSON layout. */
export interface Envelope {
  serverId: string | number;
  type: string;
  data: unknown;
}

/**
 * The start of every envelope that this server publishes. As serverId is the first field, a replica knows its own
 * echo by comparing these bytes.
 */
export function envelopePrefix(serverId: string): string {
  return `{"serverId":${JSON.stringify(serverId)},`;
}

/** The part of an envelope of a message before the message itself. */
export function messageEnvelopeHead(serverId: string): string {
  return `${envelopePrefix(serverId)}"type":"message","data":`;
}

export function encodeEnvelope(serverId: string, type: string, data: unknown): string {
  return `${envelopePrefix(serverId)}"type":${JSON.stringify(type)},"data":${JSON.stringify(data)}}`;
}

/** Reads an envelope in any JSON layout; undefined when it is none. */
export function parseEnvelope(text: string): Envelope | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { serverId, type, data } = value as Record<string, unknown>;
  if (typeof serverId !== 'string' && typeof serverId !== 'number') return undefined;
  if (typeof type !== 'string' || data === undefined) return undefined;
  return { serverId, type, data };
}

/**
 * Reads a message as any server writes it: ids as numbers or numeric strings, prev and cid or not. Without a prev
 * that makes sense it has none.
 *
 * @returns undefined when a field is missing or of the wrong type.
 */
export function readMessage(value: unknown): Message | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { from, date, message, roomId, prev, cid } = value as Record<string, unknown>;
  const sender = parseUserId(from);
  const seconds = finiteNumber(date);
  const room = typeof roomId === 'number' ? String(roomId) : roomId;
  if (sender === undefined || seconds === undefined || typeof message !== 'string' || !isRoomId(room))
    return undefined;
  const read: Message = { from: sender, date: seconds, message, roomId: room };
  const before = finiteNumber(prev);
  // Dates rise along the chain, from 0: what says otherwise has no place in it.
  if (before !== undefined && before >= 0 && before < seconds) read.prev = before;
  if (typeof cid === 'string') read.cid = cid;
  return read;
}

/** The data of user.connected and user.disconnected, as any server writes it. */
export function readUser(value: unknown): { id: UserId; username: string } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, username } = value as Record<string, unknown>;
  const userId = parseUserId(id);
  if (userId === undefined || typeof username !== 'string') return undefined;
  return { id: userId, username };
}

function finiteNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}
