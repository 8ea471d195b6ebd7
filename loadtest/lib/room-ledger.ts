import type { Message } from '../../packages/protocol/src/message.ts';
import type { Payload } from './payload.ts';
import { SequenceSet } from './sequence-set.ts';

/**
 * What became of one message at one receiver.
 * `late`: it came after a younger one. `duplicate`: it was here already. `end`: a sender's last word.
 * `other`: not of this run.
 */
export type Verdict = 'delivered' | 'late' | 'duplicate' | 'end' | 'other';

interface SenderAccount {
  got: SequenceSet;
  end: { count: number; failed: readonly number[] } | undefined;
}

/**
 * The exact account of one room at one receiver, by two independent measures: the chain of dates that links the
 * room's messages, whoever wrote them, and the numbers that the senders of this run gave theirs.
 */
export class RoomLedger {
  readonly roomId: string;
  /** The date of the newest message; what a resume starts from. */
  last: number;
  /** Messages whose predecessor was not delivered before them. */
  gaps = 0;
  readonly #run: string;
  readonly #senders: number;
  readonly #accounts = new Map<number, SenderAccount>();
  #ends = 0;

  /**
   * @param since date of the newest message before the run
   * @param senders how many will send into this room
   */
  constructor(room: { id: string; since: number; senders: number }, run: string) {
    this.roomId = room.id;
    this.last = room.since;
    this.#senders = room.senders;
    this.#run = run;
  }

  /** Enters a message that came over the socket. */
  take(message: Pick<Message, 'date' | 'prev'>, payload: Payload | undefined): Verdict {
    const { date, prev } = message;
    const forward = date > this.last;
    if (prev !== undefined && forward && prev !== this.last) this.gaps++;
    const same = date === this.last;
    if (forward) this.last = date;
    const verdict = this.enter(payload);
    if (verdict === 'other') return same && prev !== undefined ? 'duplicate' : 'other';
    if (verdict === 'delivered' && !forward) return 'late';
    return verdict;
  }

  /** The server said that what lies up to this date has to be read from the history. */
  skipTo(date: number): void {
    this.last = Math.max(this.last, date);
  }

  /** Enters a message without its place in the chain, as it is read from the history. */
  enter(payload: Payload | undefined): Verdict {
    if (payload?.run !== this.#run) return 'other';
    const account = this.#account(payload.sender);
    if (payload.kind === 'data') {
      return account.got.add(payload.seq) ? 'delivered' : 'duplicate';
    }
    if (account.end) return 'duplicate';
    account.end = payload;
    this.#ends++;
    return 'end';
  }

  /** True when every sender has said its last word and all of its messages are here. */
  get complete(): boolean {
    return this.#ends === this.#senders && this.missing === 0;
  }

  /** Acknowledged messages that are not here, and one for each sender whose last word is not. */
  get missing(): number {
    let missing = this.#senders - this.#ends;
    for (const { got, end } of this.#accounts.values())
      if (end) missing += got.missing(end.count, end.failed);
    return missing;
  }

  #account(sender: number): SenderAccount {
    const known = this.#accounts.get(sender);
    if (known) return known;
    const account: SenderAccount = { got: new SequenceSet(), end: undefined };
    this.#accounts.set(sender, account);
    return account;
  }
}
