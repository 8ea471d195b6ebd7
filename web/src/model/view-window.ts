import type { Message } from '@chat/protocol';

/**
 * The part of a room's messages that is in the page, by dates, both inclusive, so that it stays what it is while
 * messages are added before and after it. `end` is Infinity while the page follows the newest message.
 */
export interface View {
  start: number;
  end: number;
}

/** Messages shown at first, added by one step, and in the page at most. */
export const VIEW = { first: 60, step: 60, most: 240 } as const;

/** The newest messages, following what comes. */
export function tailView(messages: readonly Message[]): View {
  const first = messages[Math.max(0, messages.length - VIEW.first)];
  return { start: first?.date ?? 0, end: Number.POSITIVE_INFINITY };
}

/** The view that begins so much before `date` that what was said before it is seen as well. */
export function viewAround(messages: readonly Message[], date: number): View {
  const at = indexFrom(messages, date);
  if (at > messages.length - VIEW.first) return tailView(messages);
  const start = Math.max(0, at - VIEW.first / 2);
  return view(messages, start, start + VIEW.first);
}

/** One step further into the past; what then is too much at the other end leaves the page. */
export function olderView(messages: readonly Message[], { start, end }: View): View {
  const from = Math.max(0, indexFrom(messages, start) - VIEW.step);
  const to = Math.min(indexAfter(messages, end), from + VIEW.most);
  return view(messages, from, to);
}

/** One step towards the newest message. */
export function newerView(messages: readonly Message[], { start, end }: View): View {
  const to = Math.min(messages.length, indexAfter(messages, end) + VIEW.step);
  const from = Math.max(indexFrom(messages, start), to - VIEW.most);
  return view(messages, from, to);
}

/** The same messages as now, whatever comes later. */
export function frozenView(messages: readonly Message[], { start, end }: View): View {
  if (end !== Number.POSITIVE_INFINITY) return { start, end };
  return { start, end: messages.at(-1)?.date ?? 0 };
}

/** The messages inside the view. */
export function inView(messages: readonly Message[], { start, end }: View): Message[] {
  return messages.slice(indexFrom(messages, start), indexAfter(messages, end));
}

/** True when there are messages in memory before the view. */
export function hasOlder(messages: readonly Message[], { start }: View): boolean {
  return messages.length > 0 && messages[0]!.date < start;
}

function view(messages: readonly Message[], from: number, to: number): View {
  const start = messages[from]?.date ?? 0;
  const end = to >= messages.length ? Number.POSITIVE_INFINITY : messages[to - 1]!.date;
  return { start, end };
}

/** The index of the first message at or after the date. */
export function indexFrom(messages: readonly Message[], date: number): number {
  return indexWhere(messages, (other) => other >= date);
}

/** The index of the first message after the date; several may have the same, if foreign servers wrote them. */
export function indexAfter(messages: readonly Message[], date: number): number {
  return indexWhere(messages, (other) => other > date);
}

function indexWhere(messages: readonly Message[], reached: (date: number) => boolean): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (reached(messages[middle]!.date)) high = middle;
    else low = middle + 1;
  }
  return low;
}
