import { describe, expect, it } from 'vitest';
import { retryUntilDone } from './background.ts';
import { createLogger } from './logger.ts';

function setUp() {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line).msg) };
  const logger = createLogger({ name: 'test', level: 'info', destination });
  const stop = new AbortController();
  return { lines, stop, options: { name: 'task', logger, signal: stop.signal, pauseMs: 1 } };
}

describe('retryUntilDone', () => {
  it('tries until it succeeds, and logs only failures that are not Redis being away', async () => {
    const { lines, options } = setUp();
    const failures = [new Error('Command timed out'), new Error('Connection is closed.'), new Error('a bug')];
    const done = await retryUntilDone(async () => {
      const failure = failures.shift();
      if (failure) throw failure;
    }, options);
    expect(done).toBe(true);
    expect(lines).toEqual(['background task failed, trying again']);
  });

  it('gives up when it is told to', async () => {
    const { options, stop } = setUp();
    let tries = 0;
    const done = retryUntilDone(
      async () => {
        if (++tries === 3) stop.abort();
        throw new Error('Command timed out');
      },
      { ...options, pauseMs: 1 },
    );
    expect(await done).toBe(false);
    expect(tries).toBe(3);
  });
});
