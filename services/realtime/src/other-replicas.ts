/** A replica not heard for so long, in milliseconds, is not counted on. */
const SILENT_MS = 5000;
/**
 * A trial takes at least so long, in milliseconds, and so many clients asked: they have to connect elsewhere, and the
 * heartbeats to tell of it.
 */
const TRIAL_MS = 5000;
const TRIAL_CLIENTS = 10;
/** The part of the clients asked to reconnect that has to arrive at the replicas with room. */
const ARRIVING = 0.1;
/** How long a replica at which none arrived is not counted on, in milliseconds: twice as long each time. */
const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 960_000;

interface Pause {
  until: number;
  ms: number;
  /** What it has then; with more than these it gets clients after all. */
  sockets: number;
}

interface Trial {
  since: number;
  asked: number;
  /** Sockets of each replica with room, when it began. */
  before: ReadonlyMap<string, number>;
}

/**
 * How many sockets the other replicas have, by their heartbeats. When none of the clients that were asked to reconnect
 * arrive at those with room, as no balancer reaches these, they are not counted on for a while: else clients would be
 * asked for ever.
 */
export class OtherReplicas {
  readonly #heard = new Map<string, { sockets: number; at: number }>();
  readonly #pauses = new Map<string, Pause>();
  #trial: Trial | undefined;

  /** @param sockets undefined when it takes none */
  heard(serverId: string, sockets: number | undefined): void {
    if (sockets === undefined) {
      this.#forget(serverId);
      return;
    }
    this.#heard.set(serverId, { sockets, at: performance.now() });
    if (sockets > (this.#pauses.get(serverId)?.sockets ?? sockets)) this.#pauses.delete(serverId);
  }

  /** The sockets of each that lives and can be counted on. */
  counts(): number[] {
    return [...this.#counted().values()];
  }

  /**
   * Counts the clients that were asked to reconnect in this second; none ends the trial.
   *
   * @param share a replica with fewer sockets has room
   * @returns the replicas that are not counted on any more, as too few of the clients arrived
   */
  asked(count: number, share: number): string[] {
    if (count === 0) {
      this.#trial = undefined;
      return [];
    }
    const now = performance.now();
    this.#trial ??= { since: now, asked: 0, before: this.#withRoom(share) };
    const trial = this.#trial;
    trial.asked += count;
    if (now - trial.since < TRIAL_MS || trial.asked < TRIAL_CLIENTS) return [];
    this.#trial = undefined;
    const gained = Array.from(trial.before, ([id, before]) => (this.#heard.get(id)?.sockets ?? 0) - before);
    const arrived = gained.reduce((sum, sockets) => sum + Math.max(0, sockets), 0);
    if (arrived >= trial.asked * ARRIVING) return [];
    for (const [id, sockets] of trial.before) this.#pause(id, sockets);
    return [...trial.before.keys()];
  }

  #withRoom(share: number): Map<string, number> {
    return new Map([...this.#counted()].filter(([, sockets]) => sockets < share));
  }

  #pause(serverId: string, sockets: number): void {
    if (!this.#heard.has(serverId)) return;
    const last = this.#pauses.get(serverId)?.ms;
    const ms = last === undefined ? FIRST_PAUSE_MS : Math.min(2 * last, LONGEST_PAUSE_MS);
    this.#pauses.set(serverId, { until: performance.now() + ms, ms, sockets });
  }

  #counted(): Map<string, number> {
    const now = performance.now();
    const counted = new Map<string, number>();
    for (const [id, { sockets, at }] of this.#heard) {
      const pausedUntil = this.#pauses.get(id)?.until ?? 0;
      if (at < now - SILENT_MS) this.#forget(id);
      else if (pausedUntil <= now) counted.set(id, sockets);
    }
    return counted;
  }

  #forget(serverId: string): void {
    this.#heard.delete(serverId);
    this.#pauses.delete(serverId);
  }
}
