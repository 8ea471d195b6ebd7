import { isRoomId, type RoomId } from '@chat/protocol';

const ROOM = /^#\/room\/([\d:]{1,40})$/;

/** The room that the address names behind its `#`, if it names one. */
export function roomOfHash(hash: string): RoomId | undefined {
  const id = ROOM.exec(hash)?.[1];
  return isRoomId(id) ? id : undefined;
}

export function hashOfRoom(id: RoomId): string {
  return `#/room/${id}`;
}
