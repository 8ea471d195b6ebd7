import type { Metrics } from '@chat/kit';
import { Counter } from 'prom-client';
import type { PageBody } from './page-bodies.ts';
import type { PageQuery } from './page-query.ts';

/** What this service counts beside the requests, which the kit measures by route. */
export class HistoryMetrics {
  readonly #pages: Counter<'range'>;
  readonly #messages: Counter;
  readonly #skipped: Counter;

  constructor({ registry }: Metrics) {
    const registers = [registry];
    this.#pages = new Counter({
      name: 'chat_history_pages_total',
      help: 'Pages of messages served',
      labelNames: ['range'],
      registers,
    });
    this.#messages = new Counter({
      name: 'chat_history_messages_total',
      help: 'Messages served in pages',
      registers,
    });
    this.#skipped = new Counter({
      name: 'chat_history_garbage_skipped_total',
      help: 'Members of rooms that are no messages, met while a page was read',
      registers,
    });
  }

  page(range: PageQuery['range'], { messages, skipped }: PageBody): void {
    this.#pages.inc({ range });
    this.#messages.inc(messages);
    if (skipped > 0) this.#skipped.inc(skipped);
  }
}
