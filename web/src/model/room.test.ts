import type { Message } from '@chat/protocol';
import { describe, expect, it } from 'vitest';
import { Room } from './room.ts';

const message = (date: number, from = 1, text = 'hi', cid?: string): Message => ({
  from,
  date,
  message: text,
  roomId: '0',
  ...(cid ? { cid } : {}),
});

const span = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => message(from + index));

describe('Room', () => {
  it('knows the other user of a private room', () => {
    expect(new Room('1:2', 2).peer).toBe(1);
    expect(new Room('0', 2).peer).toBeUndefined();
  });

  it('keeps messages in date order and without duplicates, however they come', () => {
    const room = new Room('0', 1);
    room.add([message(5), message(3)]);
    expect(room.add([message(4), message(5)]).map((fresh) => fresh.date)).toEqual([4]);
    expect(room.messages.map((known) => known.date)).toEqual([3, 4, 5]);
    expect(room.last).toBe(5);
  });

  it('keeps two different messages of one date, as foreign servers write them', () => {
    const room = new Room('0', 1);
    room.add([message(5, 1, 'a'), message(5, 2, 'a'), message(5, 1, 'b'), message(5, 1, 'a')]);
    expect(room.messages).toHaveLength(3);
  });

  it('knows an own message again that came back from the server', () => {
    const room = new Room('0', 1);
    room.add([message(9, 1, 'one', 'c1')]);
    expect(room.add([{ ...message(9, 1, 'one', 'c1'), prev: 8 }])).toEqual([]);
  });

  it('finds the first unread message of another user', () => {
    const room = new Room('0', 1);
    room.add([message(1, 2), message(2, 1), message(3, 2)]);
    expect(room.firstUnread(1, 1)).toBe(3);
    expect(room.firstUnread(3, 1)).toBeUndefined();
  });

  it('counts what others wrote after the read mark, and after the last own message', () => {
    const room = new Room('0', 1);
    room.add([message(1, 2), message(2, 1), message(3, 2), message(4, 3)]);
    expect(room.unread(0, 1)).toBe(2);
    expect(room.unread(3, 1)).toBe(1);
    expect(room.unread(4, 1)).toBe(0);
    room.add([message(5, 1)]);
    expect(room.unread(0, 1)).toBe(0);
  });

  it('tells when more may be unread than is known', () => {
    const room = new Room('0', 1);
    room.loaded = true;
    room.add([message(5, 2), message(6, 2)]);
    expect(room.isUnreadFurtherBack(4, 1)).toBe(true);
    expect(room.isUnreadFurtherBack(5, 1)).toBe(false);
    room.add([message(4, 1)]);
    expect(room.isUnreadFurtherBack(3, 1)).toBe(false);
  });
});

describe('gaps of a room', () => {
  it('become one when they meet', () => {
    const room = new Room('0', 1);
    room.addGap({ from: 10, to: 20 });
    room.addGap({ from: 30, to: 40 });
    room.addGap({ from: 15, to: 25 });
    expect(room.gaps).toEqual([
      { from: 10, to: 25 },
      { from: 30, to: 40 },
    ]);
    room.addGap({ from: 1, to: 1 });
    expect(room.gaps).toHaveLength(2);
  });

  it('narrow from the front until they are closed', () => {
    const room = new Room('0', 1);
    room.addGap({ from: 10, to: 20 });
    room.narrowGap(room.gaps[0]!, 15);
    expect(room.gaps).toEqual([{ from: 15, to: 20 }]);
    room.narrowGap(room.gaps[0]!, 20);
    expect(room.gaps).toEqual([]);
  });
});

describe('gaps at the end of a room', () => {
  it('shrink to what lies before the newest page', () => {
    const room = new Room('0', 1);
    room.addGap({ from: 10, to: 20 });
    room.addGap({ from: 30, to: 90 });
    room.cover(50);
    expect(room.gaps).toEqual([
      { from: 10, to: 20 },
      { from: 30, to: 50 },
    ]);
    room.cover(5);
    expect(room.gaps).toEqual([]);
  });
});

describe('a room with thousands of messages', () => {
  it('keeps the newest ones of a room that is followed', () => {
    const room = new Room('0', 1);
    room.complete = true;
    room.add(span(1, 3001));
    room.shrink();
    expect(room.messages).toHaveLength(1000);
    expect(room.messages[0]?.date).toBe(2002);
    expect(room.complete).toBe(false);
  });

  it('keeps what someone reads further back, and leaves a gap behind it', () => {
    const room = new Room('0', 1);
    room.add(span(1, 6000));
    room.shrink(1200);
    expect(room.has(1200)).toBe(true);
    expect(room.has(6000)).toBe(true);
    expect(room.messages.length).toBeLessThan(3000);
    expect(room.gaps).toEqual([{ from: 1700, to: 5501 }]);
  });
});
