import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '@chat/kit';
import { LIMITS, type RoomId, type UserId } from '@chat/protocol';
import type { Place, Reading } from '@chat/store';
import type { Incoming } from './chain.ts';
import { encodeFrame, gapFrame, incomingOf } from './frames-out.ts';
import type { Resumed } from './park.ts';
import type { Peer } from './peer.ts';
import type { Room } from './room.ts';
import type { RoomRegistry } from './room-registry.ts';
import { Slots } from './slots.ts';
import { TokenBucket, type Tokens } from './token-bucket.ts';

/** How long a replica that is behind the client waits for its relays, in milliseconds. */
const CATCH_UP_MS = 1000;
const CATCH_UP_STEP_MS = 10;
/** Resumes that read at the same time on a replica. */
const AT_ONCE = 16;
/** Messages that one round trip reads, out of as many rooms. */
const PER_TRIP = 64;
/** Bytes that the resumes of one user may read a second, and at once: sixteen that bring all they can. */
const BYTES_PER_SECOND = 256 * 1024;
const BYTES_BURST = 8 * 1024 * 1024;
/** What looking into a room costs, in bytes. */
const LOOK_BYTES = 256;
/** Bytes of foreign messages that are read with such a look at least, if there are any. */
const LEAST_BYTES = 4096;

export interface Position {
  room: Room;
  since: number;
}

/** A position, and the dates that Redis may find it by. */
interface Question extends Position {
  place: Place;
  /** What the client gets, from `from` on; undefined is a gap. */
  messages: readonly Incoming[] | undefined;
  from: number;
  /** Where the room was when it was asked. */
  at: number;
}

/** The resumes of one user: one after the other, at the user's expense. */
interface Account extends Tokens {
  last: Promise<unknown>;
  open: number;
}

/**
 * Sends clients what is newer than what they have. While the peer is parked, that comes before anything else and
 * without a hole; for one that is live, it is a reread, which may repeat what was sent already.
 *
 * What a resume may read is decided by counts, before anything is read.
 */
export class Resumes {
  readonly #registry: RoomRegistry;
  readonly #budget: TokenBucket;
  readonly #slots = new Slots(AT_ONCE);
  readonly #accounts = new Map<UserId, Account>();

  /** @param limited false lifts what a user may read */
  constructor(registry: RoomRegistry, limited: boolean) {
    this.#registry = registry;
    this.#budget = new TokenBucket(limited ? BYTES_PER_SECOND : 0, BYTES_BURST);
  }

  /**
   * Resumes a peer after the resumes of its user that are under way.
   *
   * @throws AppError rate_limited, ioredis' errors: then nothing was sent, see {@link Resumes.forgo}
   */
  async run(peer: Peer, positions: readonly Position[]): Promise<void> {
    peer.park?.startResume();
    const account = this.#accountOf(peer.user.id);
    const turn = account.last.then(() => this.#resume(peer, positions, account));
    account.open++;
    account.last = turn.catch(() => undefined);
    try {
      await turn;
    } finally {
      account.open--;
    }
  }

  /** Tells a peer what it lacks as gaps, as nothing can be read now, and lets it go on live. */
  forgo(peer: Peer, positions: readonly Position[]): void {
    if (!peer.open) return;
    peer.cork(() => {
      for (const { room, since } of positions) sendGap(peer, room, since);
    });
    peer.park?.goLive();
  }

  /** Forgets users who resume nothing and may read all again. */
  sweep(): void {
    const now = performance.now();
    for (const [id, account] of this.#accounts)
      if (account.open === 0 && this.#budget.isFull(account, now)) this.#accounts.delete(id);
  }

  #accountOf(id: UserId): Account {
    let account = this.#accounts.get(id);
    if (!account) {
      account = { last: Promise.resolve(), open: 0, tokens: 0, tokensAt: 0 };
      this.#accounts.set(id, account);
    }
    return account;
  }

  async #resume(peer: Peer, positions: readonly Position[], account: Account): Promise<void> {
    if (!peer.open) return;
    await caughtUp(positions);
    const questions = positions.map(questionOf);
    await this.#slots.run(() => this.#answer(questions, account));
    if (peer.open) send(peer, questions);
  }

  async #answer(questions: readonly Question[], account: Account): Promise<void> {
    const retryAfterMs = this.#budget.charge(account, performance.now(), 0);
    if (retryAfterMs > 0)
      throw new AppError('rate_limited', 'too much was read for resumes', { retryAfterMs });
    // Who is where the replica is lacks nothing, but what foreign servers dated before that.
    const asked = questions.filter(
      ({ room, since }) => since !== room.flushed || room.foreign || room.unsure,
    );
    this.#charge(account, asked.length * LOOK_BYTES);
    const looks = await this.#read(asked, 0, Math.max(LEAST_BYTES, LIMITS.resumeBytes / asked.length));
    const counts = new Map<Question, number>();
    for (const [index, question] of asked.entries()) {
      const look = looks[index]!;
      take(question, look);
      if (!question.messages && look.count > 0 && look.count <= LIMITS.resumeMessages)
        counts.set(question, look.count);
    }
    await this.#readSmallest(counts, account);
  }

  /** Reads the rooms that lack the fewest messages, for as long as all together can be sent at once. */
  async #readSmallest(counts: ReadonlyMap<Question, number>, account: Account): Promise<void> {
    const trips = tripsOf([...counts].sort(([, a], [, b]) => a - b));
    let left: number = LIMITS.resumeBytes;
    for (const questions of trips) {
      const readings = await this.#read(questions, LIMITS.resumeMessages, left);
      for (const [index, question] of questions.entries()) {
        const reading = readings[index]!;
        const bytes = reading.messages?.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0) ?? left;
        const paid = this.#charge(account, bytes);
        if (bytes <= left) take(question, reading);
        left = paid ? left - bytes : 0;
        if (left <= 0) return;
      }
    }
  }

  #read(questions: readonly Question[], members: number, bytes: number): Promise<Reading[]> {
    const places = questions.map(({ place }) => place);
    return this.#registry.read(places, { members, bytes: Math.floor(bytes) });
  }

  /** False when the user is in debt from now on. */
  #charge(account: Account, bytes: number): boolean {
    return this.#budget.charge(account, performance.now(), bytes) === 0;
  }
}

function questionOf({ room, since }: Position): Question {
  const place = { id: room.id, dates: room.from(since), overlap: room.foreign ? since : undefined };
  return { room, since, place, messages: [], from: since, at: room.place };
}

function take(question: Question, { since, messages }: Reading): void {
  question.from = since;
  // Nothing leads from what the client has to what the room has.
  const unknown = since === 0 && question.since > 0;
  question.messages = unknown ? undefined : messages?.map(incomingOf);
}

/** Puts rooms together until they have enough messages for a round trip. */
function tripsOf(counted: readonly [Question, number][]): Question[][] {
  const trips: Question[][] = [];
  let room = 0;
  for (const [question, count] of counted) {
    room -= count;
    if (room < 0) {
      trips.push([]);
      room = PER_TRIP - count;
    }
    trips.at(-1)!.push(question);
  }
  return trips;
}

function send(peer: Peer, questions: readonly Question[]): void {
  const resumed = new Map<RoomId, Resumed>();
  peer.cork(() => {
    for (const { room, from, at, messages } of questions) {
      if (messages) resumed.set(room.id, { since: from, place: at, messages: messages.filter(isOld(room)) });
      else sendGap(peer, room, from);
    }
    if (!peer.park)
      for (const { messages } of resumed.values()) for (const { frame } of messages) peer.send(frame);
  });
  peer.park?.goLive(resumed);
  const rooms = Object.fromEntries(questions.map(({ room }) => [room.id, room.flushed]));
  peer.cork(() => peer.send(encodeFrame({ type: 'resumed', data: { rooms } })));
}

function sendGap(peer: Peer, room: Room, from: number): void {
  if (room.flushed > from) peer.send(gapFrame(room.id, from, room.flushed));
}

/** Tells what this replica published already; what it did not comes by itself, once. */
function isOld(room: Room): (message: Incoming) => boolean {
  return (message) => {
    if (message.date <= room.flushed) return true;
    if (room.unsure && room.knows(message.date)) {
      // It was delivered, whatever the chain goes on from. What still waits to be published is kept for the peer then.
      room.flush();
      return true;
    }
    // A foreign message may be stored and not published: then it is news to everybody.
    return message.prev === undefined && !room.offer(message);
  };
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
