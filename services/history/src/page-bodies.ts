import type { CoalescedWrites } from '@chat/kit';
import type { RoomId } from '@chat/protocol';
import type { Page, Pages } from '@chat/store';
import type { PageQuery } from './page-query.ts';

/** A page as it goes into the response. */
export interface PageBody {
  /** A JSON array of messages, in UTF-8. */
  json: Buffer;
  messages: number;
  skipped: number;
}

/**
 * Reads pages as bodies. Requests for one page that came in together, as after a restart when everybody reads
 * General, share one read and one body. It is exactly as new as one for each: the command leaves after the last of
 * them was asked for.
 */
export class PageBodies {
  readonly #pages: Pages;
  readonly #writes: CoalescedWrites;
  readonly #shared = new Map<string, Promise<PageBody>>();
  #turn = -1;

  /** @param writes of the connection that `pages` reads by */
  constructor(pages: Pages, writes: CoalescedWrites) {
    this.#pages = pages;
    this.#writes = writes;
  }

  read(roomId: RoomId, query: PageQuery): Promise<PageBody> {
    if (this.#turn !== this.#writes.turn) {
      this.#turn = this.#writes.turn;
      this.#shared.clear();
    }
    const key = `${roomId} ${query.range} ${query.range === 'newest' ? query.offset : query.date} ${query.size}`;
    const shared = this.#shared.get(key);
    if (shared !== undefined) return shared;
    const body = this.#page(roomId, query)
      .then(encode)
      .finally(() => {
        // Also when no command could leave and the turn goes on.
        if (this.#shared.get(key) === body) this.#shared.delete(key);
      });
    this.#shared.set(key, body);
    return body;
  }

  #page(roomId: RoomId, query: PageQuery): Promise<Page> {
    switch (query.range) {
      case 'newest':
        return this.#pages.newest(roomId, query.offset, query.size);
      case 'before':
        return this.#pages.before(roomId, query.date, query.size);
      case 'after':
        return this.#pages.after(roomId, query.date, query.size);
    }
  }
}

/** The messages are JSON already. */
function encode({ messages, skipped }: Page): PageBody {
  return { json: Buffer.from(`[${messages.join(',')}]`), messages: messages.length, skipped };
}
