import { describe, expect, it } from 'vitest';
import { Room } from './room.ts';
import { lineOf, namedLines, privateLines, unreadLabel } from './room-line.ts';

const room = (id: string, name?: string, date?: number) => {
  const made = new Room(id, 1);
  made.name = name;
  if (date) made.add([{ from: 2, date, message: 'x', roomId: id }]);
  return lineOf(made, 0, 1);
};

describe('the list of rooms', () => {
  it('shows General first, then the named rooms by name', () => {
    const lines = [room('2', 'zebra'), room('1', 'Apple'), room('1:2'), room('0', 'General')];
    expect(namedLines(lines).map((line) => line.id)).toEqual(['0', '1', '2']);
  });

  it('shows private rooms by their newest message', () => {
    const lines = [
      room('1:2', undefined, 5),
      room('1:3'),
      room('1:4', undefined, 9),
      room('0', 'General', 99),
    ];
    expect(privateLines(lines).map((line) => line.peer)).toEqual([4, 2, 3]);
  });

  it('shows many unread messages as 99+', () => {
    const label = (unread: number) => unreadLabel({ unread, unreadMore: false });
    expect([1, 99, 100].map(label)).toEqual(['1', '99', '99+']);
  });

  it('shows that more may be unread than is known', () => {
    const long = new Room('1:2', 1);
    long.add([5, 6, 7].map((date) => ({ from: 2, date, message: 'x', roomId: '1:2' })));
    long.loaded = true;
    expect(unreadLabel(lineOf(long, 4, 1))).toBe('3+');
    expect(unreadLabel(lineOf(long, 5, 1))).toBe('2');
    long.complete = true;
    expect(unreadLabel(lineOf(long, 4, 1))).toBe('3');
  });
});
