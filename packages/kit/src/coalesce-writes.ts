import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';

export interface CoalescedWrites {
  /** Commands given while this number stays the same leave together, later than now. */
  readonly turn: number;
}

/**
 * Sends all commands of one turn of the event loop in one system call instead of one each; under load a turn has
 * many, and the calls were the largest single cost of a page of history and of an upgrade. (ioredis' own enableAutoPipelining does that
 * too, but wraps every command in a pipeline, which cost as much as it saved.)
 */
export function coalesceWrites(redis: Redis): CoalescedWrites {
  const writes = { turn: 0 };
  const patch = () => cork((redis as unknown as { stream: Socket }).stream, writes);
  redis.on('connect', patch);
  if (redis.status === 'connect' || redis.status === 'ready') patch();
  return writes;
}

function cork(stream: Socket, writes: { turn: number }): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let corked = false;
  const uncork = () => {
    corked = false;
    writes.turn++;
    stream.uncork();
  };
  stream.write = (...args: unknown[]) => {
    if (!corked) {
      corked = true;
      stream.cork();
      setImmediate(uncork);
    }
    return write(...args);
  };
}
