import { Histogram } from './histogram.ts';

/** What one VU saw in one second. */
export interface TimelineEntry {
  /** Milliseconds since 1970 at the end of the second. */
  at: number;
  vu: number;
  /** Sockets open at that moment. */
  sockets: number;
  counts: ReadonlyMap<string, number>;
  times: ReadonlyMap<string, Histogram>;
}

const START = 'timeline ';

/** One line of text without any character that k6's log would have to escape. */
export function timelineLine({ at, vu, sockets, counts, times }: TimelineEntry): string {
  const parts = [`at=${at}`, `vu=${vu}`, `sockets=${sockets}`];
  for (const [name, count] of counts) if (count !== 0) parts.push(`n.${name}=${count}`);
  for (const [name, histogram] of times) parts.push(`ms.${name}=${histogram}`);
  return `${START}${parts.join(' ')}`;
}

/** Finds an entry in a line of k6's log; undefined when it is another line. */
export function parseTimelineLine(line: string): TimelineEntry | undefined {
  const start = line.indexOf(START);
  if (start < 0) return undefined;
  const entry = { at: 0, vu: 0, sockets: 0 };
  const counts = new Map<string, number>();
  const times = new Map<string, Histogram>();
  for (const [, key = '', value = ''] of line.slice(start + START.length).matchAll(/([\w.]+)=([\d.:,]+)/g)) {
    if (key === 'at' || key === 'vu' || key === 'sockets') entry[key] = Number(value);
    else if (key.startsWith('n.')) counts.set(key.slice(2), Number(value));
    else if (key.startsWith('ms.')) times.set(key.slice(3), Histogram.parse(value));
  }
  return entry.at > 0 ? { ...entry, counts, times } : undefined;
}
