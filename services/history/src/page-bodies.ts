import type { RoomId } from '@chat/protocol';
import { batched, type Page, type Pages, type Schedule } from '@chat/store';
import type { PageQuery } from './page-query.ts';

/** A page as it goes into the response. */
export interface PageBody {
  /** A JSON array of messages, in UTF-8. */
  json: Buffer;
  messages: number;
  skipped: number;
}

interface Wanted {
  roomId: RoomId;
  query: PageQuery;
}

/**
 * Reads pages as bodies. Requests for one page that came in together, as after a restart when everybody reads
 * General, share one read and one body.
 */
export class PageBodies {
  readonly #read: (wanted: Wanted) => Promise<PageBody>;

  /** @param schedule of the connection that `pages` reads by */
  constructor(pages: Pages, schedule: Schedule) {
    // One that fails is no failure of the others.
    const read = (wanted: Wanted) => readPage(pages, wanted).then(encode).catch(asError);
    this.#read = batched((all: readonly Wanted[]) => Promise.all(all.map(read)), schedule, keyOf);
  }

  read(roomId: RoomId, query: PageQuery): Promise<PageBody> {
    return this.#read({ roomId, query });
  }
}

function keyOf({ roomId, query }: Wanted): string {
  return `${roomId} ${query.range} ${query.range === 'newest' ? query.offset : query.date} ${query.size}`;
}

function readPage(pages: Pages, { roomId, query }: Wanted): Promise<Page> {
  switch (query.range) {
    case 'newest':
      return pages.newest(roomId, query.offset, query.size);
    case 'before':
      return pages.before(roomId, query.date, query.size);
    case 'after':
      return pages.after(roomId, query.date, query.size);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** The messages are JSON already. */
function encode({ messages, skipped }: Page): PageBody {
  return { json: Buffer.from(`[${messages.join(',')}]`), messages: messages.length, skipped };
}
