import {
  CHANNEL,
  CLUSTER_CHANNEL,
  joinMessage,
  MAX_DATE_AHEAD,
  type MessageFragments,
  messageEnvelopeHead,
  messageFragments,
  privateMembers,
  RETRY_WINDOW,
  type RoomId,
  type UserId,
} from '@chat/protocol';
import { type Redis, ReplyError } from 'ioredis';
import { keys } from './keys.ts';
import { loadScript } from './scripts.ts';

const append = loadScript('append', 2);
/** What the script says when the messages of the last minutes have to be read on before it can append. */
const MORE = 'more';

/** A message whose date and prev the append script fills in. */
export interface Draft extends MessageFragments {
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
 * @param cid must satisfy isCid. A retry needs one.
 */
export function draft(
  from: UserId,
  roomId: RoomId,
  text: string,
  cid: string | undefined,
  retry: boolean,
): Draft {
  return { ...messageFragments(from, roomId, text, cid), retry: retry && cid !== undefined };
}

/** The stored message's JSON. */
export function memberOf(draft: Draft, { date, prev }: Appended): string {
  return joinMessage(draft, date, prev);
}

interface AppenderOptions {
  serverId: string;
  /** Messages that a room keeps, 0 = all. */
  keep: number;
  /** False publishes private rooms' messages for this cluster's servers alone; true (the default) on MESSAGES. */
  sharePrivate?: boolean;
  /** How many replicas of Redis must have a message before it counts as stored; 0 (the default) waits for none. */
  waitReplicas?: () => number;
  /** How long they are waited for, in milliseconds. */
  waitMs?: number;
}

/** Stores and publishes messages, many to one room in one atomic call. */
export class Appender {
  readonly #redis: Redis;
  readonly #envelope: string;
  readonly #keep: number;
  readonly #privateChannel: string;
  readonly #waitReplicas: () => number;
  readonly #waitMs: number;

  /** @param redis with waitReplicas a connection of its own: WAIT holds up what comes behind it */
  constructor(redis: Redis, options: AppenderOptions) {
    const { serverId, keep, sharePrivate = true, waitReplicas = () => 0, waitMs = 1000 } = options;
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
    const needed = this.#waitReplicas();
    const room: (string | number)[] = [
      keys.room(roomId),
      keys.roomRetried(roomId),
      needed > 0 ? '' : this.#channel(roomId),
      this.#envelope,
      this.#keep,
      MAX_DATE_AHEAD,
      RETRY_WINDOW,
    ];
    const args = [...room];
    for (const { head, mid, tail, retry } of drafts) args.push(head, mid, tail, retry ? '1' : '');
    let reply = await append(this.#redis, args);
    while (reply === MORE) {
      // Without the messages, which may be large.
      while ((await append(this.#redis, room)) === MORE);
      reply = await append(this.#redis, args);
    }
    const fields = reply as string[];
    const appended = drafts.map((_, index) => ({
      date: fields[3 * index]!,
      prev: fields[3 * index + 1]!,
      stored: fields[3 * index + 2] === '1',
    }));
    if (needed > 0) {
      await this.#replicated(needed);
      void this.#publish(roomId, drafts, appended);
    }
    return appended;
  }

  /**
   * Not sent together with the append: a script that a new master does not know is sent again in full, and the answer
   * would then be of the time before.
   */
  async #replicated(needed: number): Promise<void> {
    const replicas = await this.#redis.wait(needed, this.#waitMs);
    if (replicas >= needed) return;
    throw new ReplyError(`NOREPLICAS ${replicas} of ${needed} replicas have the messages`);
  }

  /**
   * Not by the script: a master that is being replaced would show messages that are lost with it. What was found may
   * never have been published, and the other servers know what they have.
   */
  async #publish(roomId: RoomId, drafts: readonly Draft[], appended: readonly Appended[]): Promise<void> {
    try {
      const members = await Promise.all(
        drafts.map((item, index) =>
          appended[index]!.stored
            ? memberOf(item, appended[index]!)
            : this.#found(roomId, item, appended[index]!),
        ),
      );
      const pipeline = this.#redis.pipeline();
      const channel = this.#channel(roomId);
      for (const member of members) if (member) pipeline.publish(channel, `${this.#envelope}${member}}`);
      await pipeline.exec();
    } catch {
      // The other servers miss it by the next message's prev, or read the room when Redis is back.
    }
  }

  #channel(roomId: RoomId): string {
    return privateMembers(roomId) ? this.#privateChannel : CHANNEL;
  }

  async #found(roomId: RoomId, { head, tail }: Draft, { date }: Appended): Promise<string | undefined> {
    const members = await this.#redis.zrangebyscore(keys.room(roomId), date, date);
    return members.find((member) => member.startsWith(head) && member.endsWith(tail));
  }
}
