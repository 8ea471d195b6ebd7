import type { Message, UserId } from '@chat/protocol';
import { dayOf } from './dates.ts';
import type { Gap, Outgoing } from './room.ts';

/** One line of a group of messages. */
export interface Row {
  key: string;
  text: string;
  /** Seconds; undefined for one that is on its way. */
  date?: number;
  outgoing?: Outgoing;
}

/** What the list of messages shows, from top to bottom. */
export type Item =
  | { kind: 'day'; key: string; date: number }
  | { kind: 'unread'; key: string }
  | { kind: 'gap'; key: string; gap: Gap }
  | { kind: 'group'; key: string; from: UserId; date?: number; rows: Row[] };

interface Source {
  messages: readonly Message[];
  outgoing?: readonly Outgoing[];
  gaps?: readonly Gap[];
  me: UserId;
  /** The message before the first one, when there is one that is not shown. */
  before?: Message | undefined;
  /** The date (seconds) of the first unread message. */
  firstUnread?: number | undefined;
}

/** Messages of one sender stand together when no more seconds than these lie between two of them. */
const TOGETHER = 300;

/** Groups messages by day and sender, and puts the markers between them. */
export function timeline(source: Source): Item[] {
  const { messages, outgoing = [], gaps = [], me, firstUnread } = source;
  const items: Item[] = [];
  let before = source.before;
  let group: Extract<Item, { kind: 'group' }> | undefined;

  for (const message of messages) {
    const gap = before && gaps.find(({ from, to }) => from < message.date && to > before!.date);
    if (gap) items.push({ kind: 'gap', key: `gap${gap.from}`, gap });
    const newDay = !before || dayOf(before.date) !== dayOf(message.date);
    if (newDay) items.push({ kind: 'day', key: `day${dayOf(message.date)}`, date: message.date });
    const unread = isFirst(message.date, before?.date, firstUnread);
    if (unread) items.push({ kind: 'unread', key: 'unread' });

    const row = { key: rowKey(message), text: message.message, date: message.date };
    const joins = group && !gap && !newDay && !unread && staysTogether(before!, message);
    if (joins) group!.rows.push(row);
    else {
      group = { kind: 'group', key: row.key, from: message.from, date: message.date, rows: [row] };
      items.push(group);
    }
    before = message;
  }
  if (outgoing.length > 0) addOutgoing(items, outgoing, me);
  return items;
}

function isFirst(date: number, before: number | undefined, wanted: number | undefined): boolean {
  return wanted !== undefined && date >= wanted && (before === undefined || before < wanted);
}

function addOutgoing(items: Item[], outgoing: readonly Outgoing[], me: UserId): void {
  const rows = outgoing.map((own) => ({ key: own.key, text: own.text, outgoing: own }));
  const last = items.at(-1);
  if (last?.kind === 'group' && last.from === me) last.rows.push(...rows);
  else items.push({ kind: 'group', key: rows[0]!.key, from: me, rows });
}

function staysTogether(before: Message, message: Message): boolean {
  return before.from === message.from && message.date - before.date <= TOGETHER;
}

// The cid keeps the key of an own message from the moment it is sent; two foreign ones may share a date.
function rowKey({ cid, date, from, message }: Message): string {
  return cid ? `${from}-${cid}` : `${date}-${from}-${message.slice(0, 32)}`;
}
