import type { Message, RoomId } from '@chat/protocol';
import type { LedgerView } from './ledger-view.ts';

/** One message that was sent, and what became of it. */
export interface LedgerEntry {
  roomId: RoomId;
  /** By performance.now(), in milliseconds. */
  sentAt: number;
  /** Its date, once it was acknowledged. */
  date?: number;
  /** The code of the error that answered it for good. */
  error?: string;
}

export interface LedgerReport {
  sent: number;
  acknowledged: number;
  /** Answered with an error. */
  refused: number;
  /** Neither acknowledged nor refused. */
  unanswered: number;
  /** Of those sent, the ones that Redis holds. */
  stored: number;
  /** Messages that clients received, counted for each of them. */
  delivered: number;
  /** Acknowledged and not stored, stored and not delivered to someone who was there, or delivered and not stored. */
  lost: number;
  /** Stored twice, or delivered twice to one client. */
  duplicated: number;
  outOfOrder: number;
  reconnects: number;
  /** Times that a client was sent to the history for what it missed. */
  gaps: number;
  /** Reads by which replicas filled a hole. */
  repairs: number;
  /** From the end of the fault until every client had received something that was sent after it. */
  secondsToRecover: number | undefined;
  /** What is wrong, in words: some of each kind. */
  problems: string[];
}

export interface Accounts {
  /** By {@link idOf} of the text. */
  entries: ReadonlyMap<string, LedgerEntry>;
  views: readonly LedgerView[];
  /** What the rooms hold, oldest first. */
  stored: ReadonlyMap<RoomId, readonly Message[]>;
  repairs: number;
  faultEndedAt: number | undefined;
}

/** Errors after which a message may be stored all the same. */
const UNKNOWN_FATE = new Set(['timeout', 'unavailable', 'internal', 'closed']);

/** Draws up the account. */
export function reportOf({ entries, views, stored, repairs, faultEndedAt }: Accounts): LedgerReport {
  const problems = new Problems();
  const report: LedgerReport = {
    ...sendsOf(entries, stored, problems),
    delivered: sum(views, ({ delivered }) => delivered),
    outOfOrder: 0,
    reconnects: sum(views, ({ reconnects }) => reconnects),
    gaps: sum(views, ({ gaps }) => gaps),
    repairs,
    secondsToRecover: recoveryOf(entries, views, faultEndedAt, problems),
    problems: problems.lines,
  };
  for (const view of views) {
    for (const roomId of view.rooms) {
      const dates = (stored.get(roomId) ?? []).map(({ date }) => date);
      const { missing, unknown, duplicated, outOfOrder } = view.faults(roomId, dates);
      const where = `at ${view.name} in room ${roomId}`;
      problems.note(missing, `missing ${where}`);
      problems.note(unknown, `not stored and yet received ${where}`);
      problems.note(duplicated, `duplicated ${where}`);
      problems.note(outOfOrder, `out of order ${where}`);
      report.lost += missing.length + unknown.length;
      report.duplicated += duplicated.length;
      report.outOfOrder += outOfOrder.length;
    }
  }
  return report;
}

/** By this a message is known: its text up to the first space. */
export function idOf(text: string): string {
  const end = text.indexOf(' ');
  return end < 0 ? text : text.slice(0, end);
}

/** The report as it is printed. */
export function formatReport(title: string, report: LedgerReport): string {
  const { secondsToRecover, problems, ...counts } = report;
  const numbers = Object.entries(counts).map(
    ([name, count]) => `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${count}`,
  );
  if (secondsToRecover !== undefined) numbers.push(`seconds to recover ${secondsToRecover.toFixed(1)}`);
  return [`ledger of ${title}:`, numbers.join(', '), ...problems].join('\n  ');
}

/** What is wrong, in words: the first ones of each kind. */
class Problems {
  readonly lines: string[] = [];
  static readonly #MAX = 20;

  note(what: readonly unknown[], kind: string): void {
    if (what.length === 0 || this.lines.length === Problems.#MAX) return;
    this.lines.push(`${what.length} ${kind}: ${what.slice(0, 3).join(', ')}`);
  }
}

function sendsOf(entries: Accounts['entries'], stored: Accounts['stored'], problems: Problems) {
  const dates = datesOf(entries, stored);
  const counts = { sent: entries.size, acknowledged: 0, refused: 0, unanswered: 0, stored: dates.size };
  const lost: string[] = [];
  const despite: string[] = [];
  const unanswered: string[] = [];
  const refused: string[] = [];
  for (const [id, { date, error }] of entries) {
    const found = dates.get(id) ?? [];
    if (date !== undefined) {
      counts.acknowledged++;
      if (!found.includes(date)) lost.push(`${id} of ${date}`);
    } else if (error !== undefined) {
      counts.refused++;
      refused.push(error);
      if (found.length > 0 && !UNKNOWN_FATE.has(error)) despite.push(`${id} ${error}`);
    } else unanswered.push(id);
  }
  const twice = [...dates]
    .filter(([, found]) => found.length > 1)
    .map(([id, found]) => `${id} at ${found.join(' ')}`);
  problems.note(lost, 'acknowledged and not stored');
  problems.note(twice, 'stored twice');
  problems.note(despite, 'refused and yet stored');
  problems.note(unanswered, 'unanswered');
  problems.note(refused, 'refused');
  return { ...counts, unanswered: unanswered.length, lost: lost.length, duplicated: twice.length };
}

/** The dates under which each message is stored. */
function datesOf(entries: Accounts['entries'], stored: Accounts['stored']): Map<string, number[]> {
  const dates = new Map<string, number[]>();
  for (const messages of stored.values()) {
    for (const { message, date } of messages) {
      const id = idOf(message);
      if (!entries.has(id)) continue;
      const found = dates.get(id);
      if (found) found.push(date);
      else dates.set(id, [date]);
    }
  }
  return dates;
}

function recoveryOf(
  entries: Accounts['entries'],
  views: Accounts['views'],
  faultEndedAt: number | undefined,
  problems: Problems,
): number | undefined {
  if (faultEndedAt === undefined) return undefined;
  const later = new Map<RoomId, Set<number>>();
  for (const { roomId, sentAt, date } of entries.values()) {
    if (date === undefined || sentAt < faultEndedAt) continue;
    const dates = later.get(roomId);
    if (dates) dates.add(date);
    else later.set(roomId, new Set([date]));
  }
  if (later.size === 0) return undefined;
  const times = views.map((view) => view.firstOf(later));
  problems.note(
    views.filter((_, index) => times[index] === undefined).map(({ name }) => name),
    'clients that received nothing after the fault',
  );
  const last = Math.max(faultEndedAt, ...times.filter((time) => time !== undefined));
  return (last - faultEndedAt) / 1000;
}

function sum<T>(items: readonly T[], read: (item: T) => number): number {
  return items.reduce((total, item) => total + read(item), 0);
}
