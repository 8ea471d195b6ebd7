import type { Message } from '../../packages/protocol/src/message.ts';
import { expectJson, request } from './api.ts';
import { config } from './config.ts';
import { Meter } from './meter.ts';
import { decodePayload } from './payload.ts';
import { type Plan, patience } from './plan.ts';
import { RoomLedger } from './room-ledger.ts';

const FOLLOW_SIZE = 200;
const BROWSE_SIZE = 50;
const BROWSE_PAGES = 3;
/** Between two looks. */
const PAUSE_MS = 100;

/**
 * A client without a socket. It follows the room by pages after the date it has, which is how a gap is filled, and
 * scrolls back from the newest message in between; both while others write.
 */
export async function runReader(plan: Plan, senders: number): Promise<void> {
  const meter = new Meter();
  const ledger = new RoomLedger({ ...plan.rooms[0]!, senders }, plan.run);
  let heardAt = 0;
  while (!ledger.complete && Date.now() < patience(plan, heardAt, config.drainSeconds)) {
    if (follow(plan, ledger, meter)) heardAt = Date.now();
    if (Date.now() < plan.sendUntil) scrollBack(plan, meter);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  if (ledger.complete) meter.count('done');
  meter.count('missing', ledger.missing);
  meter.count('gaps', ledger.gaps);
  meter.close();
}

/** True when there was something new. */
function follow(plan: Plan, ledger: RoomLedger, meter: Meter): boolean {
  const before = ledger.last;
  for (;;) {
    const page = readPage(plan, meter, `after=${ledger.last}&size=${FOLLOW_SIZE}`);
    for (const message of page) {
      const verdict = ledger.take(message, decodePayload(message.message));
      if (verdict === 'delivered' || verdict === 'late') meter.count('received');
      if (verdict === 'late') meter.count('disorder');
      if (verdict === 'duplicate') meter.count('duplicates');
    }
    if (page.length < FOLLOW_SIZE) return ledger.last > before;
  }
}

/** Pages by date neither repeat nor miss a message, whatever is written meanwhile. */
function scrollBack(plan: Plan, meter: Meter): void {
  let page = readPage(plan, meter, `size=${BROWSE_SIZE}`);
  let younger: Message | undefined;
  for (let pages = 1; page.length > 0; pages++) {
    for (const message of page) {
      const fault = younger && faultBetween(message, younger);
      if (fault) meter.count(fault);
      younger = message;
    }
    if (pages === BROWSE_PAGES || page.length < BROWSE_SIZE) return;
    page = readPage(plan, meter, `before=${younger!.date}&size=${BROWSE_SIZE}`);
  }
}

/** What is wrong between a message and the next younger one. */
function faultBetween(message: Message, younger: Message): 'duplicates' | 'disorder' | 'gaps' | undefined {
  if (message.date === younger.date) return 'duplicates';
  if (message.date > younger.date) return 'disorder';
  return younger.prev !== undefined && younger.prev !== message.date ? 'gaps' : undefined;
}

function readPage({ rooms, owner }: Plan, meter: Meter, query: string): Message[] {
  const path = `/room/${rooms[0]!.id}/messages?${query}`;
  const answer = request('GET', path, { token: owner.token, name: '/room/{id}/messages' });
  const page = expectJson<Message[]>(answer, 'a page of history');
  meter.time('page', answer.timings.duration);
  return page;
}
