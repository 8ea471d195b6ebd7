import { describe, expect, it } from 'vitest';
import { hashOfRoom, roomOfHash } from './route.ts';

describe('the room in the address', () => {
  it.each(['0', '17', '1:2'])('comes back for %s', (id) => {
    expect(roomOfHash(hashOfRoom(id))).toBe(id);
  });

  it.each(['', '#', '#/room/', '#/room/2:1', '#/room/../x', '#/room/01', '#/rooms/1', '#/room/1%3A2'])(
    'is none in %j',
    (hash) => {
      expect(roomOfHash(hash)).toBeUndefined();
    },
  );
});
