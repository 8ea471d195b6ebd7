import { randomUUID } from 'node:crypto';
import {
  connectRedis,
  createLogger,
  createMetrics,
  loadConfig,
  pingRedis,
  Readiness,
  redisReady,
  serve,
} from '@chat/kit';
import type { Message, RoomId } from '@chat/protocol';
import { Redis } from 'ioredis';
import { createApp } from '../../../services/history/src/app.ts';
import { schema } from '../../../services/history/src/config.ts';
import type { Account } from '../../harness/accounts.ts';
import { type RunningRedis, startRedis } from '../../harness/redis.ts';
import { SteppedClock } from '../../harness/stepped-clock.ts';
import { Site } from './site.ts';

/** A Redis whose clock can be stepped, two replicas and history on it, and a foreign server's connection. */
export class World {
  readonly foreign: Redis;
  readonly sites: readonly [Site, Site];
  /** Messages that a room keeps, 0 = all. */
  readonly roomLimit: number;
  readonly #historyUrl: string;
  readonly #clock: SteppedClock | undefined;
  readonly #stop: () => Promise<void>;

  private constructor(parts: {
    foreign: Redis;
    sites: World['sites'];
    roomLimit: number;
    historyUrl: string;
    clock: SteppedClock | undefined;
    stop: () => Promise<void>;
  }) {
    this.foreign = parts.foreign;
    this.sites = parts.sites;
    this.roomLimit = parts.roomLimit;
    this.#historyUrl = parts.historyUrl;
    this.#clock = parts.clock;
    this.#stop = parts.stop;
  }

  /** @param roomLimit messages that a room keeps, 0 = all */
  static async start(roomLimit: number): Promise<World> {
    const clock = SteppedClock.create();
    const server = await startRedis({ env: clock?.env });
    const env = { LIMITS: 'off', ROOM_LIMIT: String(roomLimit) };
    const sites = await Promise.all([Site.start(server.url, env), Site.start(server.url, env)]);
    const history = await startHistory(server);
    const foreign = new Redis(server.url);
    return new World({
      foreign,
      sites,
      roomLimit,
      historyUrl: history.url,
      clock: server.pid === undefined ? undefined : clock,
      async stop() {
        await Promise.all(sites.map((site) => site.stop()));
        await history.stop();
        await foreign.quit();
        await server.stop();
        clock?.remove();
      },
    });
  }

  /** False where the clock of Redis cannot be stepped: without a C compiler, and in a container. */
  get stepsClock(): boolean {
    return this.#clock !== undefined;
  }

  stepClock(seconds: number): void {
    this.#clock?.step(seconds);
  }

  /** Redis' clock, in seconds. */
  async now(): Promise<number> {
    const [seconds, micros] = await this.foreign.time();
    return Number(seconds) + Number(micros) / 1e6;
  }

  /** The body of a page of a room's history. */
  async page({ token }: Account, roomId: RoomId, query: string): Promise<string> {
    const response = await fetch(`${this.#historyUrl}/room/${roomId}/messages?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`history answered ${response.status}: ${body}`);
    return body;
  }

  /** The messages of a room after a date and up to another. */
  async history(account: Account, roomId: RoomId, from: number, to: number): Promise<Message[]> {
    const read: Message[] = [];
    for (let after = from; ; ) {
      const page = JSON.parse(await this.page(account, roomId, `after=${after}&size=200`)) as Message[];
      read.push(...page.filter(({ date }) => date <= to));
      const last = page.at(-1)?.date;
      if (last === undefined || last >= to) return read;
      if (!(last > after)) throw new Error(`the page after ${after} ends at ${last}`);
      after = last;
    }
  }

  async stop(): Promise<void> {
    this.stepClock(0);
    await this.#stop();
  }
}

async function startHistory(server: RunningRedis): Promise<{ url: string; stop: () => Promise<void> }> {
  const config = loadConfig(schema, { REDIS_URL: server.url });
  const logger = createLogger({ name: 'history', level: 'silent' });
  const redis = connectRedis({
    url: config.REDIS_URL,
    role: 'history',
    logger,
    timeoutMs: config.REDIS_TIMEOUT_MS,
  });
  await redisReady(redis);
  const readiness = new Readiness();
  readiness.probe('redis', () => pingRedis(redis, config.REDIS_TIMEOUT_MS));
  const serverId = `history-${randomUUID()}`;
  const metrics = createMetrics({ service: 'history', serverId });
  const app = createApp({ config, redis, serverId, logger, metrics, readiness });
  const { url, close } = await serve(app, { host: '127.0.0.1', port: 0 });
  return {
    url,
    async stop() {
      await close();
      redis.disconnect();
    },
  };
}
