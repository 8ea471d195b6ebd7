import { expect } from 'vitest';
import { startRealtime, type TestRealtime } from '../../harness/realtime.ts';
import { RedisProxy } from '../../harness/redis-proxy.ts';

const SUBSCRIPTION = 'chat-realtime-relay';
const COMMANDS = 'chat-realtime';
const LATE_MS = 60;

export const DISTURBANCES = ['cut', 'block', 'mute', 'late', 'slow'] as const;
export type Disturbance = (typeof DISTURBANCES)[number];

/** A replica and what stands between it and Redis. */
export class Site {
  readonly #env: Record<string, string>;
  readonly #proxy: RedisProxy;
  #replica: TestRealtime;
  /** Relays may be missed since this run began. */
  disturbed = false;
  #mustSubscribe = false;

  private constructor(proxy: RedisProxy, replica: TestRealtime, env: Record<string, string>) {
    this.#proxy = proxy;
    this.#replica = replica;
    this.#env = env;
  }

  static async start(redisUrl: string, env: Record<string, string>): Promise<Site> {
    const proxy = await RedisProxy.start(redisUrl);
    return new Site(proxy, await startRealtime(proxy.url, env), env);
  }

  get url(): string {
    return this.#replica.url;
  }

  disturb(how: Disturbance): void {
    this.disturbed = true;
    this.#mustSubscribe ||= how !== 'late' && how !== 'slow';
    if (how === 'mute') this.#proxy.mute(SUBSCRIPTION);
    else if (how === 'late') this.#proxy.delay(SUBSCRIPTION, LATE_MS);
    else if (how === 'slow') this.#proxy.delay(COMMANDS, LATE_MS);
    else {
      if (how === 'block') this.#proxy.block(SUBSCRIPTION);
      this.#proxy.cut(SUBSCRIPTION);
    }
  }

  /** Ends all disturbances; resolves when the replica listens again. */
  async heal(): Promise<void> {
    this.#proxy.heal(COMMANDS);
    this.#proxy.heal(SUBSCRIPTION);
    if (this.#mustSubscribe) await this.#subscribeAnew();
    await this.#replica.ready();
  }

  /** One that was muted stays silent, and one that was cut may not have been missed yet. */
  async #subscribeAnew(): Promise<void> {
    this.#mustSubscribe = false;
    const before = this.#proxy.accepted(SUBSCRIPTION);
    this.#proxy.cut(SUBSCRIPTION);
    await expect.poll(() => this.#proxy.accepted(SUBSCRIPTION)).toBeGreaterThan(before);
  }

  async restart(): Promise<void> {
    await this.heal();
    await this.#replica.stop();
    this.#replica = await startRealtime(this.#proxy.url, this.#env);
  }

  async stop(): Promise<void> {
    await this.heal();
    await this.#replica.stop();
    await this.#proxy.stop();
  }
}
