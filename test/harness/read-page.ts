import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatApi } from '@chat/client';
import { LIMITS, type Message, type RoomId } from '@chat/protocol';

/** What is tested may have taken the history away as well: it is asked for the page after a date until it answers. */
export async function readPage(
  api: ChatApi,
  roomId: RoomId,
  after: number,
  size: number = LIMITS.pageSize,
): Promise<Message[]> {
  for (;;) {
    try {
      return await api.messages(roomId, { after, size });
    } catch {
      await sleep(500);
    }
  }
}
