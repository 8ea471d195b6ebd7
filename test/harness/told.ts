import type { User, UserId } from '@chat/protocol';
import { expect, vi } from 'vitest';
import type { ChatSocket } from './chat-socket.ts';

/** What a test waits for comes within this time, also on a loaded machine. */
const SOON = { timeout: 30_000, interval: 20 };

/** What a socket was told of users who came and left, in order, whether in a frame for one change or for several. */
export function changesTold({ frames }: ChatSocket): (User & { online: boolean })[] {
  return frames.flatMap((frame) => {
    if (frame.type === 'user.connected' || frame.type === 'user.disconnected') return [frame.data];
    if (frame.type !== 'users.changed') return [];
    return [
      ...frame.data.connected.map((user) => ({ ...user, online: true })),
      ...frame.data.disconnected.map((user) => ({ ...user, online: false })),
    ];
  });
}

/** Whether a user is online, as a socket was told again and again. */
export function told(socket: ChatSocket, id: UserId): boolean[] {
  return changesTold(socket).flatMap((change) => (change.id === id ? [change.online] : []));
}

export async function untilTold(socket: ChatSocket, id: UserId, expected: boolean[]): Promise<void> {
  await vi.waitFor(() => expect(told(socket, id)).toEqual(expected), SOON);
}
