/** A message that is not acknowledged yet. */
export interface Pending {
  cid: string;
  roomId: string;
  seq: number;
  /** Writes the text when it is sent for the first time. */
  compose: (sentAt: number) => string;
  /** As it was sent: a second try has to say the same. */
  text?: string;
  /** When it was sent first, in milliseconds since 1970. */
  sentAt: number;
  /** Deliveries that it brings; 0 for what is not counted. */
  members: number;
  /** It may be stored already, by a connection that ended: the server has to look. */
  tried: boolean;
}

/** What a sender has sent and got no acknowledgement for. */
export class Outbox {
  readonly #pending = new Map<string, Pending>();
  readonly #refused: Pending[] = [];

  /** Those that may still be acknowledged. */
  get size(): number {
    return this.#pending.size;
  }

  add(pending: Pending): void {
    this.#pending.set(pending.cid, pending);
  }

  find(cid: string | undefined): Pending | undefined {
    return cid === undefined ? undefined : this.#pending.get(cid);
  }

  /** Takes out what is acknowledged. */
  take(cid: string | undefined): Pending | undefined {
    const pending = this.find(cid);
    if (pending) this.#pending.delete(pending.cid);
    return pending;
  }

  /** Sends it no more: the server has refused it for good. */
  giveUp(pending: Pending): void {
    this.#pending.delete(pending.cid);
    this.#refused.push(pending);
  }

  /** Messages of the run that were not acknowledged, those that were given up first. */
  get unacknowledged(): Pending[] {
    return [...this.#refused, ...this.#pending.values()].filter(({ members }) => members > 0);
  }

  /** Those that may still be acknowledged, in the order in which they were sent. */
  all(): Pending[] {
    return [...this.#pending.values()];
  }
}
