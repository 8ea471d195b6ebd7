import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS, type RoomId } from '@chat/protocol';
import type { Incoming } from './chain.ts';
import { encodeFrame } from './frames-out.ts';
import type { Resumed } from './park.ts';
import type { Peer } from './peer.ts';
import type { Room } from './room.ts';
import type { RoomRegistry } from './room-registry.ts';

/** How long a replica that is behind the client waits for its relays, in milliseconds. */
const CATCH_UP_MS = 1000;
const CATCH_UP_STEP_MS = 10;
/**
 * Bytes of messages that one resume sends, half of what a client may leave waiting by default: more at once, and a
 * client that reads as fast as its line allows is closed as a slow one, again at each resume.
 */
const MAX_BYTES = 512 * 1024;

interface Position {
  room: Room;
  since: number;
}

type ReadRoom = readonly Incoming[] | undefined;

/**
 * Sends a client what is newer than what it has. While the peer is parked, that comes before anything else and
 * without a hole; for one that is live, it is a reread, which may repeat what was sent already.
 */
export async function resume(
  peer: Peer,
  positions: readonly Position[],
  registry: RoomRegistry,
): Promise<void> {
  peer.park?.startResume();
  await caughtUp(positions);
  const read = withinBounds(await Promise.all(positions.map((position) => readRoom(position, registry))));
  if (!peer.open) return;
  const resumed = new Map<RoomId, Resumed>();
  peer.cork(() => {
    for (const [index, { room, since }] of positions.entries()) {
      const messages = read[index];
      // What Redis has and this replica did not publish yet comes by itself, once.
      if (messages)
        resumed.set(room.id, { since, messages: messages.filter(({ date }) => date <= room.flushed) });
      else {
        const { id, flushed } = room;
        peer.send(encodeFrame({ type: 'gap', data: { roomId: id, from: since, to: flushed } }));
      }
    }
    if (!peer.park)
      for (const { messages } of resumed.values()) for (const { frame } of messages) peer.send(frame);
  });
  peer.park?.goLive(resumed);
  const rooms = Object.fromEntries(positions.map(({ room }) => [room.id, room.flushed]));
  peer.cork(() => peer.send(encodeFrame({ type: 'resumed', data: { rooms } })));
}

/** undefined when more is missing in the room than one resume sends. */
async function readRoom({ room, since }: Position, registry: RoomRegistry): Promise<ReadRoom> {
  if (since >= room.flushed) return [];
  const messages = await registry.after(room.id, since, LIMITS.resumeMessages + 1);
  return messages.length > LIMITS.resumeMessages ? undefined : messages;
}

/** Leaves out the rooms with the most bytes, as undefined, until all others together can be sent at once. */
function withinBounds(read: readonly ReadRoom[]): ReadRoom[] {
  const sizes = read.map(
    (messages) => messages?.reduce((sum, { frame }) => sum + Buffer.byteLength(frame), 0) ?? 0,
  );
  const kept = [...read];
  let sum = 0;
  for (const index of [...sizes.keys()].sort((a, b) => sizes[a]! - sizes[b]!)) {
    sum += sizes[index]!;
    if (sum > MAX_BYTES) kept[index] = undefined;
  }
  return kept;
}

/**
 * Waits until this replica published what the client had from another one: else it would send that again as news. A
 * client that claims a date that never was waits for nothing else.
 */
async function caughtUp(positions: readonly Position[]): Promise<void> {
  for (let waited = 0; waited < CATCH_UP_MS; waited += CATCH_UP_STEP_MS) {
    const behind = positions.filter(({ room, since }) => room.flushed < since);
    if (behind.length === 0) return;
    for (const { room } of behind) room.flush();
    await sleep(CATCH_UP_STEP_MS);
  }
}
