import { performance } from 'node:perf_hooks';
import type { ChatClient } from '@chat/client';

/** Who is away for less than this, in milliseconds, is told of by nobody: a replica waits for two seconds. */
export const BRIEF_MS = 1500;

/** The longest time, in milliseconds, that a client which is online now is away from here on. */
export function watchAbsence(client: ChatClient): () => number {
  let longest = 0;
  let leftAt: number | undefined;
  client.on('state', ({ state }) => {
    if (state !== 'online') leftAt ??= performance.now();
    else if (leftAt !== undefined) {
      longest = Math.max(longest, performance.now() - leftAt);
      leftAt = undefined;
    }
  });
  return () => longest;
}
