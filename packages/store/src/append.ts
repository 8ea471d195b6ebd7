import {
  CHANNEL,
  MAX_DATE_AHEAD,
  messageEnvelopeHead,
  RETRY_WINDOW,
  type RoomId,
  type UserId,
} from '@chat/protocol';
import type { Redis } from 'ioredis';
import { keys } from './keys.ts';
import { loadScript } from './scripts.ts';

const append = loadScript('append', 2);

/** The JSON of a message around its date and prev, which the append script fills in. */
export interface Draft {
  head: string;
  mid: string;
  tail: string;
  /** The message may be stored already: look for it by from and cid first. */
  retry: boolean;
}

/** What became of a draft. */
export interface Appended {
  /** Seconds with six decimals, as text: exactly what the stored JSON says. */
  date: string;
  /** The date before it in the room, as text; empty when the draft was found stored already. */
  prev: string;
  /** False when the draft was found stored already. */
  stored: boolean;
}

/**
 * Prepares a message for {@link Appender.append}.
 *
 * @param cid must satisfy isCid: it is compared as bytes. A retry needs one.
 */
export function draft(
  from: UserId,
  roomId: RoomId,
  text: string,
  cid: string | undefined,
  retry: boolean,
): Draft {
  return {
    head: `{"from":${from},"date":`,
    mid: `,"message":${JSON.stringify(text)},"roomId":"${roomId}","prev":`,
    tail: cid === undefined ? '}' : `,"cid":"${cid}"}`,
    retry: retry && cid !== undefined,
  };
}

/** The stored message's JSON. */
export function memberOf(draft: Draft, { date, prev }: Appended): string {
  return `${draft.head}${date}${draft.mid}${prev}${draft.tail}`;
}

/** Stores and publishes messages, many to one room in one atomic call. */
export class Appender {
  readonly #redis: Redis;
  readonly #envelope: string;
  readonly #keep: number;

  /** @param keep messages that a room keeps, 0 = all. */
  constructor(redis: Redis, { serverId, keep }: { serverId: string; keep: number }) {
    this.#redis = redis;
    this.#envelope = messageEnvelopeHead(serverId);
    this.#keep = keep;
  }

  /**
   * Appends drafts to a room in their order.
   *
   * @throws ioredis' errors. After a lost connection or a timeout the drafts may or may not be stored: append them
   * again with retry set.
   */
  async append(roomId: RoomId, drafts: readonly Draft[]): Promise<Appended[]> {
    const args: (string | number)[] = [
      keys.room(roomId),
      keys.roomRetried(roomId),
      CHANNEL,
      this.#envelope,
      this.#keep,
      MAX_DATE_AHEAD,
      RETRY_WINDOW,
    ];
    for (const { head, mid, tail, retry } of drafts) args.push(head, mid, tail, retry ? '1' : '');
    const reply = (await append(this.#redis, args)) as string[];
    return drafts.map((_, index) => ({
      date: reply[3 * index]!,
      prev: reply[3 * index + 1]!,
      stored: reply[3 * index + 2] === '1',
    }));
  }
}
