import { join } from 'node:path';
import type { ChildExit } from './child.ts';
import { lastLines } from './child.ts';
import type { DataDir } from './data-dir.ts';
import { type Backends, type Gateway, startGateway } from './gateway.ts';
import { type RunningRedis, startRedis } from './redis.ts';
import type { Restartable } from './supervisor.ts';

interface RedisPlace {
  dataDir: DataDir;
  log: (line: string) => void;
}

/** The cluster's own Redis, whose data stay in DATA_DIR/redis. */
export class RedisProcess implements Restartable {
  readonly name = 'redis';
  readonly #place: RedisPlace;
  #redis: RunningRedis | undefined;
  #running = false;

  constructor(place: RedisPlace) {
    this.#place = place;
  }

  get url(): string {
    return this.#redis?.url ?? '';
  }

  get pid(): number {
    return this.#redis?.pid ?? 0;
  }

  get running(): boolean {
    return this.#running;
  }

  get exited(): Promise<ChildExit> | undefined {
    return this.#redis?.exited;
  }

  get lastLog(): string {
    return lastLines(this.#logFile);
  }

  async start(): Promise<void> {
    const { dataDir, log } = this.#place;
    const redis = await startRedis({
      port: this.#redis?.port,
      dir: dataDir.redis,
      appendonly: true,
      logFile: this.#logFile,
      log,
    });
    this.#redis = redis;
    this.#running = true;
    void redis.exited?.then(() => {
      if (this.#redis === redis) this.#running = false;
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#running) process.kill(this.pid, signal);
  }

  /** SIGTERM: Redis writes out its append-only file and ends. */
  async stop(): Promise<void> {
    await this.#redis?.stop();
  }

  get #logFile(): string {
    return join(this.#place.dataDir.logs, 'redis.log');
  }
}

interface GatewayPlace {
  dataDir: DataDir;
  port: () => number;
  /** Port of the statistics. Default: a free one. */
  statsPort?: number;
  /** Where the services are at the moment of a start. */
  backends: () => Backends;
  log: (line: string) => void;
}

/** HAProxy in front of the services. */
export class GatewayProcess implements Restartable {
  readonly name = 'gateway';
  readonly #place: GatewayPlace;
  #gateway: Gateway | undefined;

  constructor(place: GatewayPlace) {
    this.#place = place;
  }

  get url(): string {
    return this.#gateway?.url ?? '';
  }

  get statsUrl(): string {
    return this.#gateway?.statsUrl ?? '';
  }

  get pid(): number {
    return this.#gateway?.pid ?? 0;
  }

  get running(): boolean {
    return this.#gateway?.child.running() ?? false;
  }

  get exited(): Promise<ChildExit> | undefined {
    return this.#gateway?.exited;
  }

  get lastLog(): string {
    return lastLines(this.#logFile);
  }

  async start(): Promise<void> {
    const { dataDir, port, statsPort, backends, log } = this.#place;
    this.#gateway = await startGateway({
      port: port(),
      statsPort: this.#gateway?.statsPort ?? statsPort,
      backends: backends(),
      dir: dataDir.gateway,
      logFile: this.#logFile,
      log,
    });
  }

  async addReplica(n: number, port: number): Promise<void> {
    if (this.running) await this.#gateway?.addReplica(n, port);
  }

  /** Takes no one in any more; what is open stays open. */
  closeDoor(): void {
    this.#gateway?.closeDoor();
  }

  kill(signal: NodeJS.Signals): void {
    this.#gateway?.child.kill(signal);
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop();
  }

  get #logFile(): string {
    return join(this.#place.dataDir.logs, 'gateway.log');
  }
}
