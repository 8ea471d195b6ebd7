import type { ClientLimits, HelloRoom } from '@chat/protocol';
import { encodeFrame } from './frames-out.ts';
import { Park } from './park.ts';
import type { Peer } from './peer.ts';
import { EVERYONE } from './topics.ts';

/** Tells clients that sends wait. */
export const DEGRADED = encodeFrame({
  type: 'degraded',
  data: { reason: 'storage is away: messages are queued' },
});

/** How long a peer that does not say it will resume is held back: its resume may be on the way. */
const GRACE_MS = 50;
/** How long one that said so is. */
const RESUME_MS = 10_000;

/** Says hello: who you are, your rooms, and for each the date that what you receive will follow. */
export class Greeter {
  readonly #serverId: string;
  readonly #limits: ClientLimits;
  readonly #degraded: () => boolean;

  /** @param degraded true while storage takes no messages, which others were told when that began */
  constructor(serverId: string, limits: ClientLimits, degraded: () => boolean) {
    this.#serverId = serverId;
    this.#limits = limits;
    this.#degraded = degraded;
  }

  greet(peer: Peer, resumes: boolean): void {
    const { id, username, rooms } = peer.user;
    peer.subscribe(EVERYONE);
    // In one turn with the places where the park begins: what is published next is kept.
    const list: HelloRoom[] = rooms.map((room) => ({ id: room.id, ...room.title, last: room.flushed }));
    peer.park = new Park(peer, rooms, resumes ? RESUME_MS : GRACE_MS, () => peer.park?.goLive());
    peer.send(
      encodeFrame({
        type: 'hello',
        data: { serverId: this.#serverId, user: { id, username }, rooms: list, limits: this.#limits },
      }),
    );
    if (this.#degraded()) peer.send(DEGRADED);
  }
}
