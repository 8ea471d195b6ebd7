import { describe, expect, it } from 'vitest';
import { isRedisAway } from './redis-errors.ts';

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });

describe('isRedisAway', () => {
  it.each([
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF Redis is configured to save RDB snapshots',
    'NOAUTH Authentication required.',
    'CLUSTERDOWN The cluster is down',
  ])('holds for the reply: %s', (message) => {
    expect(isRedisAway(reply(message))).toBe(true);
  });

  it.each([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'ERR unknown command',
    'BUSYGROUP Consumer Group name already exists',
    'NOSCRIPT No matching script',
  ])('does not hold for a fault of ours: %s', (message) => {
    expect(isRedisAway(reply(message))).toBe(false);
  });

  it('does not hold for what is no error of Redis', () => {
    for (const thrown of [new Error('x'), new TypeError('x'), 'Command timed out', undefined, null]) {
      expect(isRedisAway(thrown)).toBe(false);
    }
  });
});
