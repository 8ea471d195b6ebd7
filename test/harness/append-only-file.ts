import { fdatasync as fdatasyncCallback } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const fdatasync = promisify(fdatasyncCallback);
/** What a power cut can take, in milliseconds, and the time that the disk needs. */
const INTERVAL_MS = 1000;
/** `appendonly.aof.3.incr.aof`: the part that Redis 7 writes to. */
const INCREMENT = /\.incr\.aof$/;

/**
 * Writes Redis's append-only file through to the disk every second, so that a power cut takes no more than that.
 *
 * Redis's own `appendfsync everysec` does the same, but while its fsync is under way it answers writes for up to two
 * seconds without having handed them to the system (flushAppendOnlyFile in aof.c), and kill -9 loses what was answered.
 * `always` has one fsync before each answer, which no disk does in the time that a message may take. With `no`, and
 * the fsync from outside, each write is handed over before its answer leaves, whatever the disk is doing.
 *
 * @param dir of Redis
 * @returns ends it
 */
export function flushEverySecond(dir: string): () => void {
  let flushing = false;
  const timer = setInterval(() => {
    if (flushing) return;
    flushing = true;
    flush(join(dir, 'appendonlydir'))
      // It may be rewritten at this moment, or belong to the user of a container: then the system writes it out.
      .catch(() => undefined)
      .finally(() => {
        flushing = false;
      });
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function flush(dir: string): Promise<void> {
  const parts = (await readdir(dir)).filter((name) => INCREMENT.test(name));
  for (const name of parts) {
    const file = await open(join(dir, name), 'r');
    try {
      await fdatasync(file.fd);
    } finally {
      await file.close();
    }
  }
}
