import { expect, test } from 'vitest';
import { Membership } from './membership.ts';
import { zipfShares } from './zipf.ts';

test.each([
  { clients: 20, rooms: 10, perClient: 5 },
  { clients: 7, rooms: 10, perClient: 3 },
  { clients: 1, rooms: 4, perClient: 4 },
  { clients: 3, rooms: 50, perClient: 1 },
])('a room has as many members as there are clients that are in it: %o', (shape) => {
  const membership = new Membership(shape);
  const members = Array.from({ length: shape.rooms }, () => 0);
  for (let client = 0; client < shape.clients; client++) {
    const rooms = membership.roomsOf(client);
    expect(new Set(rooms).size).toBe(shape.perClient);
    for (const room of rooms) members[room]!++;
  }
  expect(members.map((_, room) => membership.membersOf(room))).toEqual(members);
});

test("Zipf's shares add up to 1, and the second is half of the first", () => {
  const shares = zipfShares(100);
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
  expect(shares[1]! / shares[0]!).toBeCloseTo(0.5);
});
