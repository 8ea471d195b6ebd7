import { AppError } from '@chat/kit';
import { isRoomId, type RoomId } from '@chat/protocol';

/**
 * Reads a room id of a path.
 *
 * @throws AppError invalid_room
 */
export function readRoomId(text: string | undefined): RoomId {
  if (!isRoomId(text)) throw new AppError('invalid_room');
  return text;
}
