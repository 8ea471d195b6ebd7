import type { Metrics } from '@chat/kit';
import { Counter, Gauge, Histogram } from 'prom-client';

/** What an operator watches of the auth service. */
export class AuthMetrics {
  /** outcome: ok, registered, or the code of the error. */
  readonly logins: Counter<'outcome'>;
  readonly bcryptSeconds: Histogram;
  readonly #queue: Gauge;

  constructor({ registry }: Metrics) {
    const registers = [registry];
    this.logins = new Counter({
      name: 'auth_logins_total',
      help: 'Logins by outcome: ok, registered, or the error code',
      labelNames: ['outcome'],
      registers,
    });
    this.bcryptSeconds = new Histogram({
      name: 'auth_bcrypt_duration_seconds',
      help: 'Time of one password hash or check, without its wait',
      buckets: [0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    this.#queue = new Gauge({
      name: 'auth_bcrypt_queue_length',
      help: 'Password checks that wait for their turn',
      registers,
    });
  }

  /** Shows the length of the queue at each scrape. */
  watchQueue(queue: { readonly length: number }): void {
    const gauge = this.#queue as Gauge & { collect: () => void };
    gauge.collect = () => gauge.set(queue.length);
  }
}
