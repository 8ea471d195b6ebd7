import type { Client } from './client.ts';
import { sleepUntil, until } from './clock.ts';
import { config } from './config.ts';
import { encodeData, encodeEnd } from './payload.ts';
import { type Plan, patience } from './plan.ts';

/** A room that a sender writes to. */
export interface Outlet {
  roomId: string;
  /** Clients that get what is written there, the sender included. */
  members: number;
}

interface SenderOptions {
  client: Client;
  plan: Plan;
  outlets: readonly Outlet[];
  /** When the messages are due, in milliseconds since 1970, ascending. */
  due: Iterable<number>;
  /** Index of the outlet for the next message. */
  choose?: () => number;
}

/** Writes into its rooms when it is time, whether the last message is answered or not, and says at the end how many. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #counts: number[];

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#counts = options.outlets.map(() => 0);
  }

  async run(): Promise<void> {
    const { client, plan, due, outlets, choose = () => 0 } = this.#options;
    for (const time of due) {
      await sleepUntil(time);
      this.#send(choose());
    }
    await sleepUntil(plan.sendUntil);
    // A third of the time is kept for the last words and their way.
    await until(
      () => client.outbox.size === 0,
      () => patience(plan, client.heardAt, (config.drainSeconds * 2) / 3),
    );
    for (const index of outlets.keys()) this.#sayEnd(index);
  }

  #send(index: number): void {
    const { client, plan, outlets } = this.#options;
    const { roomId, members } = outlets[index]!;
    const seq = ++this.#counts[index]!;
    const compose = (sentAt: number) => {
      const { index: sender, serverId } = client;
      return encodeData({ run: plan.run, sender, seq, sentAt, serverId }, config.messageBytes);
    };
    client.send({ ...this.#envelope(roomId, seq), seq, compose, members });
  }

  #sayEnd(index: number): void {
    const { client, plan, outlets } = this.#options;
    const { roomId } = outlets[index]!;
    const failed = client.outbox.unacknowledged
      .filter((pending) => pending.roomId === roomId)
      .map(({ seq }) => seq);
    const text = encodeEnd({ run: plan.run, sender: client.index, count: this.#counts[index]!, failed });
    client.send({ ...this.#envelope(roomId, 'end'), seq: 0, compose: () => text, members: 0 });
  }

  #envelope(roomId: string, seq: number | 'end') {
    const { client, plan } = this.#options;
    return { roomId, cid: `${plan.run}.${client.index}.${roomId}.${seq}`, sentAt: 0, tried: false };
  }
}
