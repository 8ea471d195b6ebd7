import { ChatApi, ChatClient } from '@chat/client';
import { GENERAL, type RoomId } from '@chat/protocol';
import { Rooms } from '@chat/store';
import type { Redis } from 'ioredis';
import { vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Account, createAccount } from '../harness/accounts.ts';
import type { Ledger } from '../harness/ledger.ts';
import type { LedgerView } from '../harness/ledger-view.ts';
import { SOON } from './scale.ts';

interface CrowdOptions {
  redis: Redis;
  ledger: Ledger;
  /** Where auth and history answer. */
  gatewayUrl: string;
  /** Where clients connect, the preferred address first. */
  urls: readonly string[];
  count: number;
  /** What the ledger calls them. */
  name?: string;
}

export interface Member {
  account: Account;
  client: ChatClient;
  view: LedgerView;
  /** The serverId of the replica that it is, or was last, on. */
  serverId: string;
  /** General, and the private room with its neighbour. */
  rooms: readonly RoomId[];
}

/** Clients that connect at once: more would be a test of the listening queue. */
const CONNECT_BATCH = 25;
const TICK_MS = 50;

/** Users with the client of packages/client, all written down in a ledger. Every two of them share a private room. */
export class Crowd {
  readonly members: readonly Member[];
  readonly #ledger: Ledger;
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  #turn = 0;

  private constructor(ledger: Ledger, members: readonly Member[]) {
    this.#ledger = ledger;
    this.members = members;
  }

  /** Makes the users and clients, and connects them; resolves when all are online. */
  static async gather(options: CrowdOptions): Promise<Crowd> {
    const { redis, ledger, gatewayUrl, urls, count, name = 'client' } = options;
    const accounts = await Promise.all(Array.from({ length: count }, () => createAccount(redis)));
    const rooms = new Rooms(redis);
    const pairs = await Promise.all(
      accounts.map((account, index) => {
        const neighbour = accounts[index ^ 1];
        return neighbour && rooms.createPrivate(account.id, neighbour.id);
      }),
    );
    const members = accounts.map((account, index): Member => {
      const client = new ChatClient({ urls, token: account.token, WebSocket });
      const api = new ChatApi({ baseUrl: gatewayUrl, token: account.token });
      const view = ledger.watch(`${name} ${index}`, client, api);
      const pair = pairs[index];
      const member = { account, client, view, serverId: '', rooms: pair ? [GENERAL, pair.id] : [GENERAL] };
      client.on('hello', ({ serverId }) => {
        member.serverId = serverId;
      });
      return member;
    });
    const crowd = new Crowd(ledger, members);
    for (let start = 0; start < count; start += CONNECT_BATCH) {
      const batch = members.slice(start, start + CONNECT_BATCH);
      for (const { client } of batch) client.connect();
      await vi.waitUntil(() => batch.every(({ client }) => client.state === 'online'), SOON);
    }
    return crowd;
  }

  get ids(): number[] {
    return this.members.map(({ account }) => account.id);
  }

  /** Members on the replica with this serverId. */
  on(serverId: string): Member[] {
    return this.members.filter((member) => member.serverId === serverId);
  }

  /**
   * They talk from now on, in turn, so many messages a second in all, every fifth one in private.
   *
   * @param who talks; the others listen
   */
  talk(perSecond: number, who: (member: Member) => boolean = () => true): void {
    const talkers = this.members.filter(who);
    clearInterval(this.#timer);
    let before = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      // What was due while this process could not run is left out, instead of coming all at once.
      this.#due = Math.min(
        this.#due + ((now - before) * perSecond) / 1000,
        (2 * TICK_MS * perSecond) / 1000 + 1,
      );
      before = now;
      for (; this.#due >= 1; this.#due--) this.#sayNext(talkers);
    }, TICK_MS);
  }

  hush(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.hush();
    for (const { client } of this.members) client.close();
  }

  #sayNext(talkers: readonly Member[]): void {
    const turn = this.#turn++;
    // A stride that shares no factor with the usual sizes of a crowd: neighbours in time are on different replicas.
    const { client, rooms } = talkers[(turn * 37) % talkers.length]!;
    const room = turn % 5 === 4 ? rooms.at(-1)! : GENERAL;
    void this.#ledger.send(client, room);
  }
}
