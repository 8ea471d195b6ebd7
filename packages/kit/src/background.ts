import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './logger.ts';
import { isRedisAway } from './redis-errors.ts';

interface BackgroundOptions {
  /** For the log. */
  name: string;
  logger: Logger;
  /** Gives up. */
  signal: AbortSignal;
  /** Milliseconds between two tries. */
  pauseMs?: number;
}

/**
 * Tries something at start until it succeeds, so that a service can start before Redis. Failures other than Redis
 * being away are logged.
 *
 * @returns true when it succeeded, false when the signal came first.
 */
export async function retryUntilDone(
  task: () => Promise<unknown>,
  { name, logger, signal, pauseMs = 500 }: BackgroundOptions,
): Promise<boolean> {
  while (!signal.aborted) {
    try {
      await task();
      return true;
    } catch (err) {
      if (!isRedisAway(err)) logger.error({ err, task: name }, 'background task failed, trying again');
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return false;
}
