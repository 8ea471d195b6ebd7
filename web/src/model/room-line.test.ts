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
    expect([1, 99, 100].map(unreadLabel)).toEqual(['1', '99', '99+']);
  });
});
