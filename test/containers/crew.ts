import { setTimeout as sleep } from 'node:timers/promises';
import { ChatApi, ChatClient, type Gap, type LoggedIn } from '@chat/client';
import { GENERAL } from '@chat/protocol';
import { WebSocket } from 'ws';
import { readPage } from '../harness/read-page.ts';
import { eventually } from './container-cluster.ts';

/** A client that notices a dead line fast, so that a test need not wait for what the defaults spare a phone. */
const TIMING = { pingMs: 2000, deadMs: 6000 };
const PACE_MS = 100;

interface Member {
  user: LoggedIn;
  chat: ChatClient;
  /** What the connection delivered, in that order. */
  received: Entry[];
  /** What was read from the history for gaps: over 500 missed messages the server sends no more than the range. */
  read: Entry[];
  serverId: string;
}

interface Entry {
  message: string;
  date: number;
}

let names = 0;

export async function register(url: string): Promise<LoggedIn> {
  const name = `member-${process.pid}-${Date.now().toString(36)}-${++names}`;
  return await new ChatApi({ baseUrl: url }).register(name, 'password123');
}

/** People who talk in General all the time, and a ledger of what was acknowledged and who received what. */
export class Crew {
  readonly members: readonly Member[];
  readonly #prefix = `crew-${process.pid}-${Date.now().toString(36)}`;
  readonly #acknowledged: string[] = [];
  readonly #refused: string[] = [];
  readonly #sending: Promise<void>[] = [];
  #talking = true;
  #sent = 0;

  private constructor(members: readonly Member[]) {
    this.members = members;
  }

  /** Connects through the gateway, one after the other: the balancer then sees the connections that it counts. */
  static async gather(url: string, size: number): Promise<Crew> {
    const members: Member[] = [];
    for (let n = 0; n < size; n++) {
      const user = await register(url);
      const chat = new ChatClient({
        url: `${url.replace('http', 'ws')}/ws`,
        token: user.token,
        WebSocket,
        timing: TIMING,
        backoff: { maxMs: 2000 },
      });
      const member: Member = { user, chat, received: [], read: [], serverId: '' };
      chat.on('message', ({ message, date }) => member.received.push({ message, date }));
      chat.on('gap', (gap) => void readGap(url, member, gap));
      chat.on('hello', ({ serverId }) => {
        member.serverId = serverId;
      });
      chat.connect();
      members.push(member);
      await eventually('a client to be online', async () => chat.state === 'online');
    }
    return new Crew(members);
  }

  /** Everybody talks until {@link settle}. */
  talk(): void {
    for (const { chat } of this.members) this.#sending.push(this.#say(chat));
  }

  /** Ends the talk; resolves when every send has its answer. */
  async settle(): Promise<void> {
    this.#talking = false;
    await Promise.all(this.#sending);
  }

  close(): void {
    this.#talking = false;
    for (const { chat } of this.members) chat.close();
  }

  /** How many messages are acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /**
   * The ledger: what was sent, what of it is not stored though it was acknowledged, what is stored twice, and how many
   * saw it out of order or not all of it.
   */
  async ledger(stored: readonly Entry[]) {
    const texts = this.#own(stored);
    const there = new Set(texts);
    const lacks = ({ received, read }: Member) => {
      const seen = new Set(this.#own([...received, ...read]));
      return texts.some((text) => !seen.has(text));
    };
    await eventually('everybody to have everything', async () => !this.members.some(lacks)).catch(
      () => undefined,
    );
    return {
      sent: this.#sent,
      stored: texts.length,
      refused: this.#refused,
      lost: this.#acknowledged.filter((text) => !there.has(text)),
      storedTwice: texts.length - there.size,
      incomplete: this.members.filter(lacks).length,
      outOfOrder: this.members.filter(({ received }) => !isAscending(received)).length,
    };
  }

  #own(entries: readonly Entry[]): string[] {
    return entries.map(({ message }) => message).filter((text) => text.startsWith(this.#prefix));
  }

  async #say(chat: ChatClient): Promise<void> {
    const sends: Promise<void>[] = [];
    while (this.#talking) {
      const text = `${this.#prefix} ${++this.#sent}`;
      const answered = chat.send(GENERAL, text).then(
        () => void this.#acknowledged.push(text),
        (error) => void this.#refused.push(`${text}: ${error}`),
      );
      sends.push(answered);
      await sleep(PACE_MS);
    }
    await Promise.all(sends);
  }
}

/** Each later than the one before, so none twice. */
function isAscending(entries: readonly Entry[]): boolean {
  return entries.every(({ date }, index) => index === 0 || date > entries[index - 1]!.date);
}

/** As the page does: reads page by page what is newer than the gap's start, up to its end. */
async function readGap(url: string, { user, read }: Member, { roomId, from, to }: Gap): Promise<void> {
  const api = new ChatApi({ baseUrl: url, token: user.token });
  for (let after = from; after < to; ) {
    const page = await readPage(api, roomId, after, 100);
    if (page.length === 0) return;
    read.push(...page);
    after = Math.max(...page.map(({ date }) => date));
  }
}
