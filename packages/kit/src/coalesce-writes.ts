import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';

export interface CoalescedWrites {
  /** Calls back once, at the end of the turn, before its commands leave: those that are given then leave with them. */
  beforeLeaving(callback: () => void): void;
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
  /** The stream that holds commands back now. */
  #corked: Socket | undefined;
  #callbacks: (() => void)[] = [];
  #scheduled = false;

  cork(stream: Socket): void {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (...args: unknown[]) => {
      if (this.#corked !== stream) {
        this.#corked = stream;
        stream.cork();
        this.#schedule();
      }
      return write(...args);
    };
  }

  beforeLeaving(callback: () => void): void {
    this.#callbacks.push(callback);
    this.#schedule();
  }

  flush(): void {
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    for (const callback of callbacks) callback();
    const stream = this.#corked;
    if (stream === undefined) return;
    this.#corked = undefined;
    stream.uncork();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}
