import { setTimeout as sleep } from 'node:timers/promises';
import { ChatApi, ChatClient, type LoggedIn } from '@chat/client';
import { GENERAL } from '@chat/protocol';
import { WebSocket } from 'ws';
import { eventually } from './container-cluster.ts';

/** A client that notices a dead line fast, so that a test need not wait for what the defaults spare a phone. */
const TIMING = { pingMs: 2000, deadMs: 6000 };
const PACE_MS = 100;

interface Member {
  user: LoggedIn;
  chat: ChatClient;
  received: string[];
  serverId: string;
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
  readonly #gaps: object[] = [];
  #talking = true;
  #sent = 0;

  private constructor(members: readonly Member[]) {
    this.members = members;
    for (const { chat } of members) chat.on('gap', (gap) => this.#gaps.push(gap));
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
      const member: Member = { user, chat, received: [], serverId: '' };
      chat.on('message', ({ message }) => member.received.push(message));
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
   * The ledger: what was sent, what of it is not stored though it was acknowledged, who lacks or has twice or out of
   * order what is stored.
   */
  async ledger(stored: readonly { message: string }[]) {
    const texts = stored.map(({ message }) => message).filter((text) => text.startsWith(this.#prefix));
    const there = new Set(texts);
    const mine = (received: string[]) => received.filter((text) => text.startsWith(this.#prefix));
    const complete = () => this.members.every(({ received }) => new Set(mine(received)).size >= there.size);
    await eventually('everybody to have everything', async () => complete()).catch(() => undefined);
    return {
      sent: this.#sent,
      stored: texts.length,
      refused: this.#refused,
      lost: this.#acknowledged.filter((text) => !there.has(text)),
      storedTwice: texts.length - there.size,
      gaps: this.#gaps,
      wrongViews: this.members.filter(({ received }) => mine(received).join('\n') !== texts.join('\n'))
        .length,
    };
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
