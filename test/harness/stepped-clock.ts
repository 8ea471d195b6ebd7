import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('stepped-clock.c', import.meta.url));
/** Of an int64_t. */
const OFFSET_BYTES = 8;

/** A clock for a child process that can be stepped while it runs. */
export class SteppedClock {
  /** What the child needs in its environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly #directory: string;
  readonly #file: number;

  private constructor(directory: string, library: string) {
    this.#directory = directory;
    const offsetFile = join(directory, 'offset');
    this.#file = openSync(offsetFile, 'w');
    this.env = { ...process.env, LD_PRELOAD: library, CLOCK_OFFSET_FILE: offsetFile };
    this.step(0);
  }

  /** @returns undefined where there is no C compiler or no Linux */
  static create(): SteppedClock | undefined {
    if (process.platform !== 'linux') return undefined;
    const directory = mkdtempSync(join(tmpdir(), 'chat-clock-'));
    const library = join(directory, 'stepped-clock.so');
    const args = ['-O2', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, SOURCE];
    const { status, stderr, error } = spawnSync('cc', args, { encoding: 'utf8' });
    if (status === 0) return new SteppedClock(directory, library);
    rmSync(directory, { recursive: true });
    if (error) return undefined;
    throw new Error(`cc ${SOURCE} failed:\n${stderr}`);
  }

  /** From now on the clock is ahead of the real one by so many whole seconds; behind it when they are negative. */
  step(seconds: number): void {
    const bytes = Buffer.alloc(OFFSET_BYTES);
    bytes.writeBigInt64LE(BigInt(seconds));
    writeSync(this.#file, bytes, 0, OFFSET_BYTES, 0);
  }

  /** Call it once the child has ended. */
  remove(): void {
    closeSync(this.#file);
    rmSync(this.#directory, { recursive: true });
  }
}
