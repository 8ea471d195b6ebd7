import {
  CHANNEL,
  CLUSTER_CHANNEL,
  MAX_DATE_AHEAD,
  messageEnvelopeHead,
  privateMembers,
  RETRY_WINDOW,
  type RoomId,
  type UserId,
} from '@chat/protocol';
import { type Redis, ReplyError } from 'ioredis';
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

interface AppenderOptions {
  serverId: string;
  /** Messages that a room keeps, 0 = all. */
  keep: number;
  /** False publishes private rooms' messages for this cluster's servers alone; true (the default) on MESSAGES. */
  sharePrivate?: boolean;
  /** Replicas of Redis that must have a message before it counts as stored; 0 (the default) waits for none. */
  waitReplicas?: number;
  /** How long they are waited for, in milliseconds. */
  waitMs?: number;
}

/** Stores and publishes messages, many to one room in one atomic call. */
export class Appender {
  readonly #redis: Redis;
  readonly #envelope: string;
  readonly #keep: number;
  readonly #privateChannel: string;
  readonly #waitReplicas: number;
  readonly #waitMs: number;

  /** @param redis with waitReplicas a connection of its own: WAIT holds up what comes behind it */
  constructor(redis: Redis, options: AppenderOptions) {
    const { serverId, keep, sharePrivate = true, waitReplicas = 0, waitMs = 1000 } = options;
    this.#redis = redis;
    this.#envelope = messageEnvelopeHead(serverId);
    this.#keep = keep;
    this.#privateChannel = sharePrivate ? CHANNEL : CLUSTER_CHANNEL;
    this.#waitReplicas = waitReplicas;
    this.#waitMs = waitMs;
  }

  /**
   * Appends drafts to a room in their order.
   *
   * @throws ioredis' errors, and NOREPLICAS when too few replicas have them. After a lost connection, a timeout or
   * NOREPLICAS the drafts may or may not be stored: append them again with retry set.
   */
  async append(roomId: RoomId, drafts: readonly Draft[]): Promise<Appended[]> {
    const args: (string | number)[] = [
      keys.room(roomId),
      keys.roomRetried(roomId),
      privateMembers(roomId) ? this.#privateChannel : CHANNEL,
      this.#envelope,
      this.#keep,
      MAX_DATE_AHEAD,
      RETRY_WINDOW,
    ];
    for (const { head, mid, tail, retry } of drafts) args.push(head, mid, tail, retry ? '1' : '');
    const reply = (await append(this.#redis, args)) as string[];
    if (this.#waitReplicas > 0) await this.#replicated();
    return drafts.map((_, index) => ({
      date: reply[3 * index]!,
      prev: reply[3 * index + 1]!,
      stored: reply[3 * index + 2] === '1',
    }));
  }

  /**
   * Not sent together with the append: a script that a new master does not know is sent again in full, and the answer
   * would then be of the time before.
   */
  async #replicated(): Promise<void> {
    const replicas = await this.#redis.wait(this.#waitReplicas, this.#waitMs);
    if (replicas >= this.#waitReplicas) return;
    throw new ReplyError(`NOREPLICAS ${replicas} of ${this.#waitReplicas} replicas have the messages`);
  }
}
