import type { RoomId } from '@chat/protocol';
import type { Incoming } from './chain.ts';
import { frameText } from './frames-out.ts';
import type { Peer } from './peer.ts';
import type { Room } from './room.ts';
import { isNamed, userTopic } from './topics.ts';

/** How a room is resumed. */
export interface Resumed {
  /** The date that was read after: the client has all that was published up to there before the reading. */
  since: number;
  /** Where the room was at the reading: see {@link Room.place}. */
  place: number;
  /** What is newer, oldest first. */
  messages: readonly Incoming[];
}

/**
 * A peer between its hello and going live. What its rooms publish meanwhile is kept, so that a resume, which reads
 * older messages from Redis, can put those first: nothing comes out of order, twice or not at all.
 */
export class Park {
  readonly #peer: Peer;
  readonly #places: { room: Room; seq: number }[];
  readonly #timer: NodeJS.Timeout;
  #resuming = false;

  /** @param waitMs the peer goes live after this time if nothing else makes it */
  constructor(peer: Peer, rooms: readonly Room[], waitMs: number, onTimeout: () => void) {
    this.#peer = peer;
    this.#places = rooms.map((room) => ({ room, seq: room.parkPeer() }));
    this.#timer = setTimeout(onTimeout, waitMs);
  }

  /** A resume reads what the client lacks, and ends the wait; nothing else does any more. */
  get resuming(): boolean {
    return this.#resuming;
  }

  startResume(): void {
    this.#resuming = true;
    clearTimeout(this.#timer);
  }

  /** A room that the peer's user got meanwhile. */
  add(room: Room): void {
    if (this.#places.some((place) => place.room === room)) return;
    this.#places.push({ room, seq: room.parkPeer() });
  }

  /**
   * Sends what was read for a resume, then what was kept, and subscribes: the peer is live.
   *
   * @param resumed what the client had of rooms, and what was read after that
   */
  goLive(resumed?: ReadonlyMap<RoomId, Resumed>): void {
    this.#release();
    const peer = this.#peer;
    peer.cork(() => {
      for (const { room, seq } of this.#places) {
        const read = resumed?.get(room.id);
        for (const message of read?.messages ?? []) peer.send(message.frame);
        for (const [index, message] of room.keptAfter(seq).entries())
          if (!read || !covers(read, message, seq + index < read.place)) peer.send(message.frame);
      }
    });
    // A slow stream may have been closed by what it was just sent: nobody would take it off its topics again.
    if (peer.open) this.#subscribe();
    this.#leaveRooms();
  }

  /** The peer closed before it went live. */
  abandon(): void {
    this.#release();
    this.#leaveRooms();
  }

  #subscribe(): void {
    this.#peer.subscribe(userTopic(this.#peer.user.id));
    for (const { room } of this.#places)
      for (const topic of room.topics) if (isNamed(topic)) this.#peer.subscribe(topic);
  }

  #leaveRooms(): void {
    for (const { room, seq } of this.#places.splice(0)) room.unparkPeer(seq);
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#peer.park = undefined;
  }
}

/**
 * True when the client has a kept message already: from another replica, or as it was just read.
 *
 * @param before it was published before the reading; what comes later may be dated earlier, and the client has none of it
 */
function covers({ since, messages }: Resumed, { date, prev, frame }: Incoming, before: boolean): boolean {
  if (prev === undefined) return messages.some((read) => frameText(read.frame) === frameText(frame));
  const last = messages.at(-1)?.date ?? 0;
  if (before) return date <= Math.max(since, last);
  return date <= last && messages.some((read) => read.date === date);
}
