import type { Message } from '@chat/protocol';
import { describe, expect, test } from 'vitest';
import { type Accounts, formatReport, type LedgerEntry, reportOf } from './ledger-report.ts';
import { LedgerView } from './ledger-view.ts';

const ROOM = '0';

function message(date: number): Message {
  return { from: 1, date, message: `m${date}`, roomId: ROOM, prev: date - 1 };
}

/** A client that was there from the start and received these, at 100 ms times their date. */
function view(...dates: number[]): LedgerView {
  const made = new LedgerView('Ann');
  made.greeted([{ id: ROOM, last: 0 }]);
  for (const date of dates) made.received(message(date), date * 100);
  return made;
}

/** An account in which messages 1 to 3 were sent at 100 ms times their date, acknowledged and stored. */
function account(changes: Partial<Accounts> = {}) {
  const entries = new Map<string, LedgerEntry>(
    [1, 2, 3].map((date) => [`m${date}`, { roomId: ROOM, sentAt: date * 100, date }]),
  );
  return reportOf({
    entries,
    views: [view(1, 2, 3)],
    stored: new Map([[ROOM, [message(1), message(2), message(3)]]]),
    repairs: 0,
    faultEndedAt: undefined,
    ...changes,
  });
}

describe('a ledger', () => {
  test('in order has no problem', () => {
    expect(account()).toEqual({
      sent: 3,
      acknowledged: 3,
      refused: 0,
      unanswered: 0,
      stored: 3,
      delivered: 3,
      lost: 0,
      duplicated: 0,
      outOfOrder: 0,
      reconnects: 0,
      gaps: 0,
      repairs: 0,
      secondsToRecover: undefined,
      problems: [],
    });
  });

  test('finds a message that was acknowledged and is not stored, or under another date', () => {
    const without = account({ stored: new Map([[ROOM, [message(1), message(3)]]]), views: [view(1, 3)] });
    expect(without).toMatchObject({
      lost: 1,
      stored: 2,
      problems: ['1 acknowledged and not stored: m2 of 2'],
    });
    const moved = account({
      stored: new Map([[ROOM, [message(1), message(2), { ...message(4), message: 'm3' }]]]),
      views: [view(1, 2, 4)],
    });
    expect(moved).toMatchObject({ lost: 1, stored: 3 });
  });

  test('finds a message that a client did not get, and one that only the client has', () => {
    const { lost, problems } = account({ views: [view(1, 3), view(1, 2, 3, 4)] });
    expect(lost).toBe(2);
    expect(problems).toEqual([
      '1 missing at Ann in room 0: 2',
      '1 not stored and yet received at Ann in room 0: 4',
    ]);
  });

  test('does not expect what was said before a client came, nor in rooms that it is not in', () => {
    const late = new LedgerView('Bob');
    late.greeted([{ id: ROOM, last: 2 }]);
    late.received(message(3), 300);
    expect(account({ views: [late, new LedgerView('Eve')] })).toMatchObject({ lost: 0, problems: [] });
  });

  test('finds what was stored twice or delivered twice', () => {
    const twice = { ...message(4), message: 'm3' };
    const stored = new Map([[ROOM, [message(1), message(2), message(3), twice]]]);
    expect(account({ stored, views: [view(1, 2, 3, 4)] })).toMatchObject({
      duplicated: 1,
      lost: 0,
      problems: ['1 stored twice: m3 at 3 4'],
    });
    expect(account({ views: [view(1, 2, 2, 3)] })).toMatchObject({ duplicated: 1, delivered: 4 });
  });

  test('finds what came out of order', () => {
    expect(account({ views: [view(1, 3, 2)] })).toMatchObject({ outOfOrder: 1, lost: 0 });
  });

  test('finds sends without an answer, and errors that were none', () => {
    const entries = new Map<string, LedgerEntry>([
      ['m1', { roomId: ROOM, sentAt: 1 }],
      ['m2', { roomId: ROOM, sentAt: 2, error: 'busy' }],
      ['m3', { roomId: ROOM, sentAt: 3, error: 'unavailable' }],
    ]);
    expect(account({ entries })).toMatchObject({
      acknowledged: 0,
      refused: 2,
      unanswered: 1,
      problems: ['1 refused and yet stored: m2 busy', '1 unanswered: m1', '2 refused: busy, unavailable'],
    });
  });

  test('counts what was read from the history for a gap as delivered, in its place', () => {
    const gapped = new LedgerView('Ann');
    gapped.greeted([{ id: ROOM, last: 0 }]);
    gapped.gapped(ROOM, 0);
    gapped.received(message(3), 300);
    gapped.filled(message(1));
    gapped.filled(message(2));
    expect(account({ views: [gapped] })).toMatchObject({ lost: 0, outOfOrder: 0, delivered: 3, gaps: 1 });
  });

  test('measures from the end of the fault until the last client got something sent after it', () => {
    const slow = new LedgerView('Bob');
    slow.greeted([{ id: ROOM, last: 0 }]);
    slow.greeted([{ id: ROOM, last: 0 }]);
    for (const date of [1, 2, 3]) slow.received(message(date), 900);
    const report = account({ views: [view(1, 2, 3), slow], faultEndedAt: 150 });
    expect(report).toMatchObject({ secondsToRecover: 0.75, reconnects: 1, problems: [] });
    expect(formatReport('a fault', report)).toBe(
      'ledger of a fault:\n  sent 3, acknowledged 3, refused 0, unanswered 0, stored 3, lost 0, duplicated 0, ' +
        'delivered 6, out of order 0, reconnects 1, gaps 0, repairs 0, seconds to recover 0.8',
    );
    expect(account({ views: [view(1)], faultEndedAt: 150 }).problems).toContain(
      '1 clients that received nothing after the fault: Ann',
    );
  });
});
