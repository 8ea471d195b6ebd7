import type { SentinelSettings } from './redis.ts';
import { Sentinels } from './sentinels.ts';

const LOOK_MS = 1000;

/**
 * How many replicas of Redis the sentinels could make the master. What all of these have survives whichever of them
 * takes over, and one that was just promoted acknowledges nothing to the old master any more.
 */
export class ElectableReplicas {
  readonly #sentinels: Sentinels;
  readonly #majority: number;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(place: { sentinels: SentinelSettings; url: string; timeoutMs: number }) {
    this.#sentinels = new Sentinels(place);
    this.#majority = Math.floor(place.sentinels.addresses.length / 2) + 1;
    void this.#look();
  }

  get count(): number {
    return this.#count;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#sentinels.close();
  }

  async #look(): Promise<void> {
    const answers = (await this.#sentinels.replicas()).filter((answer) => answer !== undefined);
    if (this.#closed) return;
    // Any of the sentinels may come to lead a failover.
    const electable = new Set(answers.flatMap((replicas) => replicas.filter(isElectable).map(addressOf)));
    // Those that do not answer may know of more.
    if (answers.length >= this.#majority || electable.size > this.#count) this.#count = electable.size;
    this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
  }
}

/** One that is disconnected counts: a promotion cuts the sentinels' own connections to the replica. */
function isElectable(replica: Map<string, string>): boolean {
  return !replica.get('flags')?.includes('s_down') && replica.get('master-link-status') === 'ok';
}

function addressOf(replica: Map<string, string>): string {
  return `${replica.get('ip')}:${replica.get('port')}`;
}
