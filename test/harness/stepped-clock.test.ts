import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { startRedis } from './redis.ts';
import { SteppedClock } from './stepped-clock.ts';

const TIME = "return redis.call('TIME')[1]";

test('steps the clock of a Redis back and forth, for its scripts too', async (context) => {
  const clock = SteppedClock.create();
  if (!clock) return context.skip('there is no C compiler');
  const server = await startRedis({ env: clock.env });
  const redis = new Redis(server.url);
  try {
    if (server.pid === undefined)
      return context.skip('the Redis of a container has the clock of the machine');
    for (const offset of [0, 7200, -7200, 1800, 0]) {
      clock.step(offset);
      const real = Date.now() / 1000;
      for (const seconds of [(await redis.time())[0], await redis.eval(TIME, 0)])
        expect(Math.abs(Number(seconds) - real - offset)).toBeLessThan(60);
    }
  } finally {
    await redis.quit();
    await server.stop();
    clock.remove();
  }
});
