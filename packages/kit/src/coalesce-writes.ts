import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';

export interface CoalescedWrites {
  /** Commands given while this number stays the same leave together, later than now. */
  readonly turn: number;
  /** Sends the commands given so far: by one who is the last of the turn, and would wait for another turn. */
  flush(): void;
}

/**
 * Sends all commands of one turn of the event loop in one system call instead of one each; under load a turn has
 * many, and the calls were the largest single cost of a page of history and of an upgrade. (ioredis' own
 * enableAutoPipelining does that too, but wraps every command in a pipeline, which cost as much as it saved.)
 */
export function coalesceWrites(redis: Redis): CoalescedWrites {
  const writes = new Writes();
  const cork = () => writes.cork((redis as unknown as { stream: Socket }).stream);
  redis.on('connect', cork);
  if (redis.status === 'connect' || redis.status === 'ready') cork();
  return writes;
}

class Writes implements CoalescedWrites {
  turn = 0;
  /** The stream that holds commands back now. */
  #corked: Socket | undefined;

  cork(stream: Socket): void {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (...args: unknown[]) => {
      if (this.#corked !== stream) {
        this.#corked = stream;
        stream.cork();
        setImmediate(() => this.#uncork(stream));
      }
      return write(...args);
    };
  }

  flush(): void {
    if (this.#corked) this.#uncork(this.#corked);
  }

  #uncork(stream: Socket): void {
    if (this.#corked !== stream) return;
    this.#corked = undefined;
    this.turn++;
    stream.uncork();
  }
}
