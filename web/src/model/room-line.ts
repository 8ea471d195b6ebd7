import { GENERAL, type Message, type RoomId, type UserId } from '@chat/protocol';
import type { Room } from './room.ts';

/** A room as the list shows it. */
export interface RoomLine {
  id: RoomId;
  /** A named room's name. */
  name: string | undefined;
  /** The other user of a private room. */
  peer: UserId | undefined;
  /** Others' messages after what was read, as far as they are known. */
  unread: number;
  /** More are unread than are known. */
  unreadMore: boolean;
  newest: Message | undefined;
}

/** Counts above this are shown as "99+". */
const MOST_SHOWN = 99;

export function lineOf(room: Room, read: number, me: UserId): RoomLine {
  const { id, name, peer, newest } = room;
  const unread = room.unread(read, me);
  return { id, name, peer, newest, unread, unreadMore: room.isUnreadFurtherBack(read, me) };
}

export function unreadLabel({ unread, unreadMore }: Pick<RoomLine, 'unread' | 'unreadMore'>): string {
  const shown = Math.min(unread, MOST_SHOWN);
  return unreadMore || shown < unread ? `${shown}+` : String(shown);
}

/** General first, then by name. */
export function namedLines(lines: Iterable<RoomLine>): RoomLine[] {
  return [...lines]
    .filter((line) => line.peer === undefined)
    .sort((a, b) => Number(b.id === GENERAL) - Number(a.id === GENERAL) || compareNames(a, b));
}

/** The private rooms, the one with the newest message first. */
export function privateLines(lines: Iterable<RoomLine>): RoomLine[] {
  return [...lines]
    .filter((line) => line.peer !== undefined)
    .sort((a, b) => (b.newest?.date ?? 0) - (a.newest?.date ?? 0) || a.peer! - b.peer!);
}

function compareNames(a: RoomLine, b: RoomLine): number {
  return (a.name ?? '').localeCompare(b.name ?? '') || Number(a.id) - Number(b.id);
}
