import type { RoomId } from '@chat/protocol';

/** What a foreign server may take for the date of a message. */
export const DATES = [
  ...['now', 'second', 'last second', 'hour ago', 'early', 'zero', 'negative'],
  ...['soon', 'half an hour', 'nearly an hour', 'an hour', 'two hours', 'milliseconds', 'huge', 'infinite'],
  ...['same', 'next'],
] as const;
export type DateKind = (typeof DATES)[number];

/**
 * @param now Redis' clock
 * @param last the room's last date
 */
export function dateOf(kind: DateKind, now: number, last: number): number {
  switch (kind) {
    case 'now':
      return now;
    case 'second':
      return Math.floor(now);
    case 'last second':
      return Math.floor(now) - 1;
    case 'hour ago':
      return Math.floor(now) - 3600;
    case 'early':
      return 1;
    case 'zero':
      return 0;
    case 'negative':
      return -5;
    case 'soon':
      return now + 10;
    case 'half an hour':
      return now + 1800;
    case 'nearly an hour':
      return now + 3590;
    case 'an hour':
      return Math.floor(now) + 3600;
    case 'two hours':
      return now + 7200;
    case 'milliseconds':
      return Math.floor(now * 1000);
    case 'huge':
      return 1e18;
    case 'infinite':
      return Number.POSITIVE_INFINITY;
    case 'same':
      return last;
    case 'next':
      return last + 0.000001;
  }
}

/** Those of a server written to the tutorial, and those that only a server of this cluster should write. */
export const LAYOUTS = [
  'tutorial',
  'tutorial',
  'strings',
  'chained',
  'orphan',
  'first',
  'backwards',
] as const;
export type Layout = (typeof LAYOUTS)[number];

export const isTutorial = (layout: Layout) => layout === 'tutorial' || layout === 'strings';

interface Writing {
  layout: Layout;
  from: number;
  date: number;
  text: string;
  roomId: RoomId;
  /** The room's last date. */
  last: number;
}

/** The JSON of a message as a foreign server writes it. */
export function memberOf({ layout, from, date, text, roomId, last }: Writing): string {
  // JSON has no infinite number: that is the score alone.
  const seconds = Number.isFinite(date) ? date : 1;
  const own = (prev: number) =>
    `{"from":${from},"date":${seconds.toFixed(6)},"message":"${text}","roomId":"${roomId}","prev":${Math.max(0, prev).toFixed(6)},"cid":"${text}"}`;
  switch (layout) {
    case 'tutorial':
      return JSON.stringify({ from, date: seconds, message: text, roomId });
    case 'strings':
      return JSON.stringify({ from: `${from}`, date: `${seconds}`, message: text, roomId }, null, 1);
    case 'chained':
      return own(last);
    case 'orphan':
      return own(seconds - 5.5);
    case 'first':
      return own(0);
    case 'backwards':
      return own(seconds + 5.5);
  }
}

export const GARBAGE = [
  ...[
    'text',
    'empty object',
    'list',
    'nothing',
    'leading zeros',
    'other room',
    'other date',
    'deep',
    'large',
  ],
] as const;
export type GarbageKind = (typeof GARBAGE)[number];

/** A member of a room that is no message, or one that its key and its score do not agree with. */
export function garbageOf(kind: GarbageKind, roomId: RoomId, unique: string): string {
  switch (kind) {
    case 'text':
      return `no JSON ${unique}`;
    case 'empty object':
      return `{"a":"${unique}"}`;
    case 'list':
      return `["${unique}"]`;
    case 'nothing':
      return `null${' '.repeat(Number(unique.slice(1)))}`;
    case 'leading zeros':
      return `{"from":1,"date":0123,"message":"${unique}","roomId":"${roomId}","prev":007}`;
    case 'other room':
      return `{"from":1,"date":1615480369.123456,"message":"${unique}","roomId":"9:99","prev":1615480301.500000}`;
    case 'other date':
      return `{"from":1,"date":1615480369.123456,"message":"${unique}","roomId":"${roomId}","prev":1615480301.500000}`;
    case 'deep':
      return `${'['.repeat(5000)}"${unique}"${']'.repeat(5000)}`;
    case 'large':
      return `"${unique}${'x'.repeat(200_000)}"`;
  }
}
