import { AppError } from '@chat/kit';
import { describe, expect, it } from 'vitest';
import { BcryptQueue } from './bcrypt-queue.ts';

/** A job that ends when told to. */
function job() {
  let finish = () => {};
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { run: () => ended, finish };
}

describe('BcryptQueue', () => {
  it('runs no more than its concurrency at once, in the order of arrival', async () => {
    const queue = new BcryptQueue({ concurrency: 2, limit: 100 });
    let running = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        queue.run(async () => {
          most = Math.max(most, ++running);
          order.push(index);
          await new Promise(setImmediate);
          running--;
        }),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('refuses what would wait too long, with a time to come again, and takes more once it is served', async () => {
    const queue = new BcryptQueue({ concurrency: 1, limit: 1 });
    const first = job();
    const running = queue.run(first.run);
    const waiting = queue.run(async () => 'served');
    expect(queue.length).toBe(1);
    const refused = await queue.run(async () => 'never').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AppError);
    expect(refused).toMatchObject({ code: 'busy', status: 503 });
    expect((refused as AppError).retryAfterMs).toBeGreaterThanOrEqual(1000);
    first.finish();
    await running;
    expect(await waiting).toBe('served');
    expect(await queue.run(async () => 'later')).toBe('later');
  });

  it('passes the turn on after a job that failed', async () => {
    const queue = new BcryptQueue({ concurrency: 1, limit: 5 });
    const failing = queue.run(() => Promise.reject(new Error('bad')));
    const next = queue.run(async () => 'fine');
    await expect(failing).rejects.toThrow('bad');
    expect(await next).toBe('fine');
    expect(queue.length).toBe(0);
  });

  it('tells how long each job took', async () => {
    const seconds: number[] = [];
    const queue = new BcryptQueue({ concurrency: 1, limit: 5, onDone: (took) => seconds.push(took) });
    await queue.run(async () => undefined);
    expect(seconds).toHaveLength(1);
    expect(seconds[0]).toBeGreaterThanOrEqual(0);
  });
});
