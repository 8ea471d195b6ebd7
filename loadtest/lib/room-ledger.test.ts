import { expect, test } from 'vitest';
import type { Payload } from './payload.ts';
import { RoomLedger } from './room-ledger.ts';

const RUN = 'r1';

function ledger(senders = 1): RoomLedger {
  return new RoomLedger({ id: '5', since: 100, senders }, RUN);
}

function data(seq: number, sender = 0): Payload {
  return { kind: 'data', run: RUN, sender, seq, sentAt: 0, serverId: 's' };
}

function end(count: number, sender = 0, failed: number[] = []): Payload {
  return { kind: 'end', run: RUN, sender, count, failed };
}

test('an unbroken chain is complete with the last word of every sender', () => {
  const account = ledger(2);
  expect(account.take({ date: 101, prev: 100 }, data(1))).toBe('delivered');
  expect(account.take({ date: 102, prev: 101 }, data(1, 1))).toBe('delivered');
  expect(account.take({ date: 103, prev: 102 }, end(1))).toBe('end');
  expect(account.complete).toBe(false);
  expect(account.take({ date: 104, prev: 103 }, end(1, 1))).toBe('end');
  expect(account.complete).toBe(true);
  expect(account).toMatchObject({ gaps: 0, missing: 0, last: 104 });
});

test('a hole is a gap in the chain and a missing number', () => {
  const account = ledger();
  account.take({ date: 101, prev: 100 }, data(1));
  account.take({ date: 103, prev: 102 }, data(3));
  account.take({ date: 104, prev: 103 }, end(3));
  expect(account).toMatchObject({ gaps: 1, missing: 1, complete: false });
});

test('a message that comes after a younger one is late, and not missing', () => {
  const account = ledger();
  account.take({ date: 101, prev: 100 }, data(1));
  account.take({ date: 103, prev: 102 }, data(3));
  expect(account.take({ date: 102, prev: 101 }, data(2))).toBe('late');
  account.take({ date: 104, prev: 103 }, end(3));
  expect(account).toMatchObject({ gaps: 1, missing: 0 });
});

test('the same message twice is a duplicate, also when it was stored twice', () => {
  const account = ledger();
  account.take({ date: 101, prev: 100 }, data(1));
  expect(account.take({ date: 101, prev: 100 }, data(1))).toBe('duplicate');
  expect(account.take({ date: 102, prev: 101 }, data(1))).toBe('duplicate');
  expect(account).toMatchObject({ gaps: 0 });
});

test('messages of others belong to the chain and not to the account', () => {
  const account = ledger();
  expect(account.take({ date: 101, prev: 100 }, undefined)).toBe('other');
  expect(account.take({ date: 102, prev: 101 }, { ...data(1), run: 'another' } as Payload)).toBe('other');
  expect(account.take({ date: 102, prev: 101 }, undefined)).toBe('duplicate');
  account.take({ date: 103, prev: 102 }, data(1));
  expect(account).toMatchObject({ gaps: 0 });
});

test('a foreign message without a place in the chain moves it on', () => {
  const account = ledger();
  expect(account.take({ date: 105 }, undefined)).toBe('other');
  account.take({ date: 106, prev: 105 }, data(1));
  expect(account.gaps).toBe(0);
});

test('a gap frame moves the chain on, and the history fills the account', () => {
  const account = ledger();
  account.skipTo(103);
  account.take({ date: 104, prev: 103 }, data(4));
  account.take({ date: 105, prev: 104 }, end(4));
  expect(account.missing).toBe(3);
  for (const seq of [1, 2, 3]) expect(account.enter(data(seq))).toBe('delivered');
  expect(account.enter(data(2))).toBe('duplicate');
  expect(account).toMatchObject({ gaps: 0, missing: 0, complete: true });
});

test('a sender without a last word is missing one', () => {
  const account = ledger(2);
  account.take({ date: 101, prev: 100 }, end(0));
  expect(account).toMatchObject({ missing: 1, complete: false });
});

test('what was never acknowledged is not missed', () => {
  const account = ledger();
  account.take({ date: 101, prev: 100 }, data(1));
  account.take({ date: 102, prev: 101 }, end(3, 0, [2, 3]));
  expect(account.complete).toBe(true);
});
