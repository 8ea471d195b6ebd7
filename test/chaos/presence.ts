import { setTimeout as sleep } from 'node:timers/promises';
import { parseUserId, type UserId } from '@chat/protocol';
import { keys } from '@chat/store';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { PRESENCE_MS } from './scale.ts';

interface Expected {
  online: readonly UserId[];
  offline?: readonly UserId[];
  /** Servers on which nobody is any more. */
  gone?: readonly string[];
}

const POLL_MS = 100;
/** Long enough to tell in the message how late it was. */
const PATIENCE_MS = 6 * PRESENCE_MS;

/**
 * Expects that presence is right within {@link PRESENCE_MS}.
 *
 * @param since by performance.now(), when the fault happened
 */
export async function expectPresence(redis: Redis, since: number, expected: Expected): Promise<void> {
  let wrong: string[] = [];
  while (performance.now() - since < PATIENCE_MS) {
    const lookedAt = performance.now();
    wrong = await findWrong(redis, expected);
    if (wrong.length === 0) {
      expect(lookedAt - since, 'milliseconds until presence was right').toBeLessThan(PRESENCE_MS);
      return;
    }
    await sleep(POLL_MS);
  }
  expect(wrong, `presence after ${PATIENCE_MS} ms`).toEqual([]);
}

async function findWrong(redis: Redis, { online, offline = [], gone = [] }: Expected): Promise<string[]> {
  const users = new Set((await redis.smembers(keys.onlineUsers)).map(parseUserId));
  const pipeline = redis.pipeline();
  for (const id of [...online, ...offline]) pipeline.hkeys(keys.userConnections(id));
  const replies = (await pipeline.exec()) ?? [];
  const servers = replies.map(([, servers]) => servers as string[]);
  const wrong: string[] = [];
  for (const [index, id] of [...online, ...offline].entries()) {
    const shouldBe = index < online.length;
    if (users.has(id) !== shouldBe) wrong.push(`${id} is ${shouldBe ? 'offline' : 'online'}`);
    for (const server of servers[index]!) if (gone.includes(server)) wrong.push(`${id} is on ${server}`);
  }
  return wrong;
}
