import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GatewayProcess, RedisProcess } from './backing.ts';
import { type ClusterFile, DataDir } from './data-dir.ts';
import { freePort } from './ports.ts';
import { Service, type ServiceName } from './service.ts';
import { type Restartable, Supervisor } from './supervisor.ts';

export interface ClusterOptions {
  /** Realtime replicas. Default 3. */
  replicas?: number;
  /** Default 1 each. */
  auth?: number;
  history?: number;
  /** false: no HAProxy. Default true. */
  gateway?: boolean;
  /** Port of the gateway. Default: a free one. */
  port?: number;
  /** Port that all replicas share. Default: a free one. */
  socketPort?: number;
  /** Port of the gateway's statistics. Default: a free one. */
  statsPort?: number;
  /** Use this Redis. Default: start one, with an append-only file in dataDir. */
  redisUrl?: string;
  /** Keeps logs, cluster.json and Redis's files. Default: a temporary one, removed on stop. */
  dataDir?: string;
  /** Further environment of every service, for instance {LIMITS: 'off'}. */
  env?: NodeJS.ProcessEnv;
  /** Start again what ends unexpectedly. Default false. */
  supervise?: boolean;
  log?: (line: string) => void;
}

const WEB_DIR = fileURLToPath(new URL('../../web/dist', import.meta.url));
/** Longer than the services take by their own SHUTDOWN_TIMEOUT_MS (10 s, realtime 30 s). */
const STOP_MS = { auth: 15_000, history: 15_000, realtime: 40_000 } as const;

/** Starts Redis, auth, history, the replicas and the gateway; resolves when all are ready, or stops all. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const path = options.dataDir ?? mkdtempSync(join(tmpdir(), 'chat-cluster-'));
  const dataDir = await DataDir.take(path);
  const cluster = new Cluster(dataDir, options);
  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** A whole cluster on this machine: what `npm start`, the end-to-end tests, chaos and the bench work with. */
export class Cluster {
  readonly dataDir: DataDir;
  readonly auth: Service[] = [];
  readonly history: Service[] = [];
  /** By number: realtime[0] is /replica/1/. Also those that were killed. */
  readonly realtime: Service[] = [];
  readonly #options: ClusterOptions;
  readonly #log: (line: string) => void;
  readonly #supervisor: Supervisor;
  readonly #redis: RedisProcess | undefined;
  readonly #gateway: GatewayProcess | undefined;
  #socketPort = 0;
  #gatewayPort = 0;
  #stopping: Promise<void> | undefined;

  constructor(dataDir: DataDir, options: ClusterOptions) {
    this.dataDir = dataDir;
    this.#options = options;
    this.#log = options.log ?? (() => undefined);
    this.#supervisor = new Supervisor({
      restart: options.supervise ?? false,
      log: this.#log,
      onChange: () => this.#publish(),
    });
    if (options.redisUrl === undefined) this.#redis = new RedisProcess({ dataDir, log: this.#log });
    if (options.gateway ?? true) this.#gateway = this.#newGateway();
  }

  get redis(): { url: string; pid?: number } {
    if (this.#options.redisUrl !== undefined) return { url: this.#options.redisUrl };
    return { url: this.#redis?.url ?? '', ...(this.#redis?.running ? { pid: this.#redis.pid } : {}) };
  }

  /** Throws for a cluster without one. */
  get gateway(): { url: string; pid: number; statsUrl: string } {
    if (!this.#gateway) throw new Error('this cluster was started without a gateway');
    return this.#gateway;
  }

  /** The shared port; add /ws. */
  get sockets(): { url: string } {
    return { url: `ws://127.0.0.1:${this.#socketPort}` };
  }

  async start(): Promise<void> {
    const { port, socketPort, replicas = 3, auth = 1, history = 1 } = this.#options;
    this.#gatewayPort = port ?? (this.#gateway ? await freePort() : 0);
    this.#socketPort = socketPort ?? (await freePort());
    await this.#step(this.#redis, 'redis');
    for (let n = 1; n <= auth; n++) this.auth.push(this.#newService('auth', n, auth));
    for (let n = 1; n <= history; n++) this.history.push(this.#newService('history', n, history));
    for (let n = 1; n <= replicas; n++) this.realtime.push(this.#newService('realtime', n));
    await Promise.all(this.#services.map((service) => this.#step(service, service.name)));
    await this.#step(this.#gateway, 'gateway');
  }

  /**
   * In order, so that nothing is lost: no new clients, then the replicas move theirs away and write what they hold,
   * then the HTTP services finish, then the gateway, and Redis last, which writes out its append-only file.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends a replica, at once by default; resolves when it is gone. It stays away until startReplica. */
  async killReplica(index: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const replica = this.#replica(index);
    this.#supervisor.expectEnd(replica);
    replica.kill(signal);
    await replica.exited;
    this.#publish();
  }

  /** SIGTERM: the replica drains. Resolves when it is gone. */
  async stopReplica(index: number): Promise<void> {
    const replica = this.#replica(index);
    this.#supervisor.expectEnd(replica);
    await replica.stop();
    this.#publish();
  }

  /**
   * Starts a replica that was ended, or without an index one more; resolves when it is ready.
   *
   * @param env of the further one alone, for instance another way to Redis
   */
  async startReplica(index?: number, env?: NodeJS.ProcessEnv): Promise<Service> {
    if (index !== undefined) {
      const replica = this.#replica(index);
      await this.#step(replica, replica.name);
      return replica;
    }
    const replica = this.#newService('realtime', this.realtime.length + 1, undefined, env);
    this.realtime.push(replica);
    await this.#step(replica, replica.name);
    await this.#gateway?.addReplica(this.realtime.length, replica.port);
    return replica;
  }

  /** Drains a replica and starts it again in the same place. */
  async restartReplica(index: number): Promise<Service> {
    await this.stopReplica(index);
    return await this.startReplica(index);
  }

  /** Ends the cluster's own Redis; it stays away until startRedis. */
  async killRedis(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const redis = this.#ownRedis();
    this.#supervisor.expectEnd(redis);
    redis.kill(signal);
    await redis.exited;
    this.#publish();
  }

  /** Starts Redis again on its port, with its data. */
  async startRedis(): Promise<void> {
    await this.#step(this.#ownRedis(), 'redis');
  }

  async #stop(): Promise<void> {
    this.#supervisor.end();
    this.#gateway?.closeDoor();
    await this.#stopAll('realtime', this.realtime);
    await this.#stopAll('auth and history', [...this.auth, ...this.history]);
    if (this.#gateway) await this.#stopAll('gateway', [this.#gateway]);
    if (this.#redis) await this.#stopAll('redis', [this.#redis]);
    this.dataDir.release();
    if (this.#options.dataDir === undefined) rmSync(this.dataDir.path, { recursive: true, force: true });
  }

  async #stopAll(what: string, processes: Restartable[]): Promise<void> {
    const start = Date.now();
    await Promise.all(processes.map((process) => process.stop()));
    this.#log(`stopped ${what} in ${seconds(start)}`);
  }

  async #step(process: Restartable | undefined, name: string): Promise<void> {
    if (!process) return;
    const start = Date.now();
    await this.#supervisor.start(process);
    this.#publish();
    this.#log(`started ${name} in ${seconds(start)} (pid ${process.pid})`);
  }

  #newGateway(): GatewayProcess {
    const ports = (services: Service[]) => services.map(({ port }) => port);
    return new GatewayProcess({
      dataDir: this.dataDir,
      port: () => this.#gatewayPort,
      statsPort: this.#options.statsPort,
      backends: () => ({
        auth: ports(this.auth),
        history: ports(this.history),
        realtime: ports(this.realtime),
      }),
      log: this.#log,
    });
  }

  #newService(
    service: ServiceName,
    n: number,
    of = Number.POSITIVE_INFINITY,
    env: NodeJS.ProcessEnv = {},
  ): Service {
    return new Service({
      service,
      name: of === 1 ? service : `${service}-${n}`,
      logDir: this.dataDir.logs,
      stopMs: STOP_MS[service],
      env: {
        HOST: '127.0.0.1',
        REDIS_URL: this.redis.url,
        TRUST_PROXY: String(this.#gateway !== undefined),
        ...(service === 'realtime' ? this.#realtimeEnv() : {}),
        ...this.#options.env,
        ...env,
      },
    });
  }

  #realtimeEnv(): NodeJS.ProcessEnv {
    return {
      SOCKET_PORT: String(this.#socketPort),
      SOCKET_URL: `:${this.#socketPort}`,
      GATEWAY_URL: this.#gateway ? `:${this.#gatewayPort}` : '',
      WEB_DIR,
    };
  }

  get #services(): Service[] {
    return [...this.auth, ...this.history, ...this.realtime];
  }

  #replica(index: number): Service {
    const replica = this.realtime[index];
    if (!replica) throw new Error(`there is no replica with index ${index}`);
    return replica;
  }

  #ownRedis(): RedisProcess {
    if (!this.#redis) throw new Error('this cluster uses a Redis that it did not start');
    return this.#redis;
  }

  /** Writes cluster.json as things are now. */
  #publish(): void {
    if (this.#stopping) return;
    const running = (services: Service[]) => services.filter((service) => service.running);
    const place = ({ url, pid }: Restartable & { url: string }) => ({ url, pid });
    const file: ClusterFile = {
      ...(this.#gateway?.running ? { gateway: place(this.#gateway) } : {}),
      sockets: this.sockets,
      redis: this.redis,
      auth: running(this.auth).map(place),
      history: running(this.history).map(place),
      realtime: running(this.realtime).map((replica) => ({ serverId: replica.serverId, ...place(replica) })),
    };
    this.dataDir.write(file);
  }
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
