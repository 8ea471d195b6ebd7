import type { Redis } from 'ioredis';

type Probe = () => boolean | Promise<boolean>;

interface ReadinessReport {
  ready: boolean;
  /** Every condition by name, and whether it holds. */
  conditions: Record<string, boolean>;
}

/**
 * Whether the process takes traffic: when every named condition holds. A condition is either set
 * (`set('draining', …)` style) or probed at each look.
 */
export class Readiness {
  readonly #conditions = new Map<string, boolean>();
  readonly #probes = new Map<string, Probe>();

  /** States that the condition holds or not, e.g. `set('seeded', false)`. */
  set(name: string, holds: boolean): void {
    this.#conditions.set(name, holds);
  }

  /** Looks each time; a probe that throws counts as false. */
  probe(name: string, probe: Probe): void {
    this.#probes.set(name, probe);
  }

  async report(): Promise<ReadinessReport> {
    const conditions: Record<string, boolean> = Object.fromEntries(this.#conditions);
    await Promise.all(
      Array.from(this.#probes, async ([name, probe]) => {
        conditions[name] = await outcome(probe);
      }),
    );
    return { ready: Object.values(conditions).every(Boolean), conditions };
  }
}

async function outcome(probe: Probe): Promise<boolean> {
  try {
    return await probe();
  } catch {
    return false;
  }
}

/** True when Redis answers a PING within the deadline; for {@link Readiness.probe}. */
export function pingRedis(redis: Redis, deadlineMs: number): Promise<boolean> {
  return succeeds(redis.ping(), deadlineMs);
}

/**
 * True when Redis takes writes: not so a replica, or a master that waits for its replicas or cannot save, though they
 * answer PING.
 *
 * @param key of nothing: it is deleted
 */
export function isWritable(redis: Redis, key: string, deadlineMs: number): Promise<boolean> {
  return succeeds(redis.del(key), deadlineMs);
}

async function succeeds(command: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, false);
  });
  const answered = command.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}
