import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What cluster.json says: the url and pid of every process. */
export interface ClusterFile {
  gateway?: { url: string; pid: number };
  /** The port that all replicas share; its url takes /ws as those of the replicas do. */
  sockets?: { url: string };
  /** No pid for a Redis that was not started here. */
  redis: { url: string; pid?: number };
  auth: { url: string; pid: number }[];
  history: { url: string; pid: number }[];
  /** Those that run, in the order of their numbers. */
  realtime: { serverId: string; url: string; pid: number }[];
}

/** Another cluster works in this directory. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError';
}

/** This user cannot keep files there. */
export class DataDirUnusableError extends Error {
  override readonly name = 'DataDirUnusableError';
}

const LEFTOVER_TIMEOUT_MS = 20_000;

/**
 * The directory that belongs to one running cluster: cluster.json, the logs and the files of Redis. cluster.lock
 * holds the pid of the owner and the time it started at, because a pid alone comes back, in a container soon.
 */
export class DataDir {
  readonly path: string;
  readonly logs: string;
  readonly redis: string;
  readonly gateway: string;
  readonly #lockFile: string;
  readonly #clusterFile: string;

  private constructor(path: string) {
    this.path = path;
    this.logs = join(path, 'logs');
    this.redis = join(path, 'redis');
    this.gateway = join(path, 'gateway');
    this.#lockFile = join(path, 'cluster.lock');
    this.#clusterFile = join(path, 'cluster.json');
  }

  /**
   * Takes the directory for this process; creates it where it does not exist. Waits up to 20 s for the processes of
   * an owner that was killed, which stop by themselves.
   *
   * @throws DataDirInUseError when a running cluster owns it; nothing is touched then
   * @throws DataDirUnusableError when this user cannot write there
   */
  static async take(path: string): Promise<DataDir> {
    const dir = new DataDir(path);
    checkDataDir(path);
    dir.#lock();
    await dir.#leftOvers();
    dir.#keepPreviousLogs();
    for (const each of [dir.logs, dir.redis, dir.gateway]) mkdirSync(each, { recursive: true });
    return dir;
  }

  /** Replaces cluster.json in one step: whoever reads it sees the old or the new one. */
  write(cluster: ClusterFile): void {
    const next = `${this.#clusterFile}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(cluster, null, 2)}\n`);
    renameSync(next, this.#clusterFile);
  }

  /** Gives the directory back; its data stays. */
  release(): void {
    rmSync(this.#clusterFile, { force: true });
    rmSync(this.#lockFile, { force: true });
  }

  #lock(): void {
    const mine = `${process.pid} ${startTime(process.pid)}\n`;
    for (let attempt = 1; ; attempt++) {
      try {
        writeFileSync(this.#lockFile, mine, { flag: 'wx' });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 3) throw error;
      }
      const owner = readOwner(this.#lockFile);
      if (owner !== undefined) {
        throw new DataDirInUseError(`${this.path} belongs to a cluster that is running (pid ${owner})`);
      }
      rmSync(this.#lockFile, { force: true });
    }
  }

  /** A Redis that still writes into the directory would share its append-only file with the next one. */
  async #leftOvers(): Promise<void> {
    const pid = this.#read()?.redis.pid;
    const deadline = Date.now() + LEFTOVER_TIMEOUT_MS;
    while (pid !== undefined && isRedis(pid)) {
      if (Date.now() > deadline) {
        this.release();
        throw new DataDirInUseError(`the Redis of an earlier start still runs in ${this.path} (pid ${pid})`);
      }
      await sleep(100);
    }
    rmSync(this.#clusterFile, { force: true });
  }

  /** The logs are those of one run, and the run before stays readable. */
  #keepPreviousLogs(): void {
    if (!existsSync(this.logs)) return;
    rmSync(`${this.logs}.previous`, { recursive: true, force: true });
    renameSync(this.logs, `${this.logs}.previous`);
  }

  #read(): ClusterFile | undefined {
    try {
      return JSON.parse(readFileSync(this.#clusterFile, 'utf8')) as ClusterFile;
    } catch {
      return undefined;
    }
  }
}

/** Creates the directory where it does not exist. Throws DataDirUnusableError when this user cannot write there. */
export function checkDataDir(path: string): void {
  try {
    makeDirectory(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new DataDirUnusableError(
      `DATA_DIR: ${path} cannot be used (${(error as Error).message}): choose another directory with DATA_DIR=…`,
    );
  }
}

/** Not by mkdirSync with `recursive`: below /proc, which answers ENOENT, Node tries for ever. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path);
}

/** The pid in the lock when that process still runs; undefined when it is gone or the file is not whole. */
function readOwner(lockFile: string): number | undefined {
  try {
    const [pid = '', started] = readFileSync(lockFile, 'utf8').trim().split(' ');
    return isAlive(Number(pid)) && startTime(Number(pid)) === started ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Clock ticks from boot to the start of the process (proc(5), field 22 of stat); "-" where there is no /proc. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces: count from its end.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  } catch {
    return '-';
  }
}

function isRedis(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('redis-server');
  } catch {
    return true;
  }
}
