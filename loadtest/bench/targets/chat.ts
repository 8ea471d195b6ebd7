import { keys, Rooms, Sessions, Users } from '@chat/store';
import { Redis } from 'ioredis';
import { build } from '../../../scripts/build.mjs';
import { type Cluster, startCluster } from '../../../test/harness/cluster.ts';
import type { Target } from './target.ts';

interface ChatOptions {
  replicas: number;
  gateway?: boolean;
  /** Further environment of the replicas, for instance NODE_OPTIONS=--cpu-prof. */
  env?: NodeJS.ProcessEnv;
  log: (line: string) => void;
}

/** How many users are made at once. */
const BATCH = 500;

/** This cluster: Redis and replicas without limits of rate. Users and sessions are real, made in Redis directly. */
export class ChatTarget implements Target {
  readonly name = 'chat';
  readonly wire = 'chat';
  readonly path = '/ws';
  readonly redis: Redis;
  readonly cluster: Cluster;
  readonly #users: { id: number; token: string }[] = [];

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.redis = new Redis(cluster.redis.url, { enableAutoPipelining: true });
  }

  static async start({ replicas, gateway = false, env, log }: ChatOptions): Promise<ChatTarget> {
    await build({ only: ['realtime'], log });
    // The generator spreads its sockets itself, replica by replica: none shall be asked to go to another.
    const limits = { LIMITS: 'off', REBALANCE: 'false', LOG_LEVEL: 'warn' };
    const quickEnd = { DRAIN_GRACE_MS: '0', DRAIN_RATE: '100000' };
    const cluster = await startCluster({
      replicas,
      gateway,
      auth: 0,
      history: 0,
      env: { ...limits, ...quickEnd, ...env },
      log,
    });
    return new ChatTarget(cluster);
  }

  /** auth and history alone. */
  static async startHttp(log: (line: string) => void): Promise<ChatTarget> {
    await build({ only: ['auth', 'history'], log });
    const env = { LIMITS: 'off', DEMO_DATA: 'false' };
    return new ChatTarget(await startCluster({ replicas: 0, gateway: false, env, log }));
  }

  /** One of each service, as clients find them. */
  static async startWhole(log: (line: string) => void): Promise<ChatTarget> {
    await build({ only: ['realtime', 'auth', 'history', 'web'], log });
    const env = {
      LIMITS: 'off',
      REBALANCE: 'false',
      LOG_LEVEL: 'warn',
      DEMO_DATA: 'false',
      DRAIN_GRACE_MS: '0',
    };
    return new ChatTarget(await startCluster({ replicas: 1, gateway: false, env, log }));
  }

  get servers() {
    return this.cluster.realtime.map(({ pid, port }) => ({ pid, port }));
  }

  get redisPid(): number {
    return this.cluster.redis.pid ?? 0;
  }

  async tokens(count: number): Promise<string[]> {
    const users = await this.users(count);
    return users.map(({ token }) => token);
  }

  /** As many users as asked for, each with a session; the same ones each time. */
  async users(count: number): Promise<{ id: number; token: string }[]> {
    while (this.#users.length < count) {
      const first = this.#users.length;
      const batch = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => this.#user(first + n));
      this.#users.push(...(await Promise.all(batch)));
    }
    return this.#users.slice(0, count);
  }

  /** Named rooms with these members each. */
  async rooms(members: readonly (readonly number[])[]): Promise<string[]> {
    const rooms = new Rooms(this.redis);
    const ids: string[] = [];
    for (let first = 0; first < members.length; first += BATCH) {
      const batch = members.slice(first, first + BATCH).map(async ([creator, ...others], n) => {
        const { id } = await rooms.createNamed(`bench ${first + n}`, creator!);
        await Promise.all(others.map((user) => rooms.join(user, id)));
        return id;
      });
      ids.push(...(await Promise.all(batch)));
    }
    return ids;
  }

  stored(room: string): Promise<number> {
    return this.redis.zcard(keys.room(room));
  }

  async stop(): Promise<void> {
    this.redis.disconnect();
    await this.cluster.stop();
  }

  async #user(n: number): Promise<{ id: number; token: string }> {
    // No one logs in with a password here: no bcrypt hash is made for it.
    const user = await new Users(this.redis).create(`bench-${n}`, '*');
    if (!user) throw new Error(`user bench-${n} is there already: this is not the bench's own Redis`);
    const sessions = new Sessions(this.redis, { ttlSeconds: 86_400, serverId: 'bench' });
    const { token } = await sessions.create(user);
    return { id: user.id, token };
  }
}
