import { setTimeout as sleep } from 'node:timers/promises';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { imageName } from '../../scripts/images.mjs';
import { redisImage, TAG } from './engine.ts';
import { PrivateNetwork } from './private-network.ts';

const DNS_SUFFIX = 'chat.test';
const REPLICA_ALIAS = `realtime.${DNS_SUFFIX}`;
const READY_TIMEOUT_MS = 60_000;

export type Environment = Record<string, string>;

/** Redis as a cluster has it. */
export interface RedisSide {
  /** How the services find it. */
  environment: Environment;
  /** The one that takes writes now. */
  primary(): Promise<StartedTestContainer>;
  stop(): Promise<void>;
}

/** The cluster in containers of one network, from the images that are deployed. Only the gateway has a port outside. */
export class ContainerCluster {
  readonly url: string;
  replicas: StartedTestContainer[];
  readonly #redis: RedisSide;
  readonly #network: PrivateNetwork;
  readonly #others: StartedTestContainer[];

  private constructor(
    network: PrivateNetwork,
    redis: RedisSide,
    replicas: StartedTestContainer[],
    gateway: StartedTestContainer,
    services: StartedTestContainer[],
  ) {
    this.url = `http://127.0.0.1:${gateway.getMappedPort(8080)}`;
    this.#redis = redis;
    this.replicas = replicas;
    this.#network = network;
    this.#others = [gateway, ...services];
  }

  static async start(
    replicaCount: number,
    startRedisSide: (network: PrivateNetwork) => Promise<RedisSide> = startOneRedis,
  ): Promise<ContainerCluster> {
    const network = await PrivateNetwork.create();
    const started: StartedTestContainer[] = [];
    const keep = async (starting: Promise<StartedTestContainer>) => {
      const container = await starting;
      started.push(container);
      return container;
    };
    let redis: RedisSide | undefined;
    try {
      redis = await startRedisSide(network);
      const { environment } = redis;
      const services = await Promise.all(
        ['auth', 'history'].map((name) => keep(startService(network, name, environment))),
      );
      const replicas = await Promise.all(
        Array.from({ length: replicaCount }, () => keep(startReplica(network, environment))),
      );
      const gateway = await keep(startGateway(network, replicaCount));
      const cluster = new ContainerCluster(network, redis, replicas, gateway, services);
      await Promise.all([...services, ...replicas].map(ready));
      await cluster.#answers('/me', 401);
      await cluster.#answers('/history-is-there', 404);
      for (let n = 1; n <= replicaCount; n++) await cluster.#answers(`/replica/${n}/healthz`, 200);
      return cluster;
    } catch (error) {
      for (const container of started) await container.stop();
      await redis?.stop();
      await network.remove();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const container of [...this.#others, ...this.replicas]) await container.stop({ timeout: 1000 });
    await this.#redis.stop();
    await this.#network.remove();
  }

  /** The replica that calls itself so: a serverId begins with the host name, which is the start of a container's id. */
  replicaOf(serverId: string): StartedTestContainer {
    const found = this.#find(serverId);
    if (!found) throw new Error(`no container is ${serverId}`);
    return found;
  }

  /** Whether one of the running replicas calls itself so. */
  has(serverId: string): boolean {
    return this.#find(serverId) !== undefined;
  }

  #find(serverId: string): StartedTestContainer | undefined {
    return this.replicas.find((container) => serverId.startsWith(container.getId().slice(0, 12)));
  }

  async addReplica(): Promise<void> {
    const replica = await startReplica(this.#network, this.#redis.environment);
    this.replicas.push(replica);
    await ready(replica);
  }

  /** SIGTERM, and SIGKILL only after a minute. */
  async retireReplica(replica: StartedTestContainer): Promise<number> {
    this.replicas = this.replicas.filter((each) => each !== replica);
    const container = await dockerContainer(replica);
    await container.stop({ t: 60 });
    const { State } = await container.inspect();
    await container.remove({ force: true, v: true });
    return State.ExitCode;
  }

  /** kill -9. */
  async killReplica(replica: StartedTestContainer): Promise<void> {
    this.replicas = this.replicas.filter((each) => each !== replica);
    await (await dockerContainer(replica)).remove({ force: true, v: true });
  }

  /** Takes a replica off the network without a word to anyone. */
  async cutOff(replica: StartedTestContainer): Promise<void> {
    await this.#network.disconnect(replica.getId());
  }

  async plugIn(replica: StartedTestContainer): Promise<void> {
    await this.#network.connect(replica.getId(), REPLICA_ALIAS);
  }

  async pauseRedis(): Promise<void> {
    await (await dockerContainer(await this.#redis.primary())).pause();
  }

  async unpauseRedis(): Promise<void> {
    await (await dockerContainer(await this.#redis.primary())).unpause();
  }

  /** What Redis holds of a room, oldest first. */
  async stored(roomId: string): Promise<{ message: string; cid?: string; date: number }[]> {
    const redis = await this.#redis.primary();
    const { output } = await redis.exec(['redis-cli', '--raw', 'zrange', `room:${roomId}`, '0', '-1']);
    return output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  async #answers(path: string, status: number): Promise<void> {
    await eventually(
      `${path} to answer ${status}`,
      async () => (await fetch(this.url + path)).status === status,
    );
  }
}

/** Waits until the container says that it takes traffic. */
async function ready(container: StartedTestContainer): Promise<void> {
  await eventually('a service to be ready', () => isReady(container));
}

export async function isReady(container: StartedTestContainer): Promise<boolean> {
  return (await container.exec(['probe', '8080', '/readyz'])).exitCode === 0;
}

/** @throws Error when it does not happen within a minute */
export async function eventually(what: string, happened: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await happened().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`waited ${READY_TIMEOUT_MS / 1000} s for ${what}`);
    await sleep(200);
  }
}

export async function dockerContainer(started: StartedTestContainer) {
  const { container } = await getContainerRuntimeClient();
  return container.dockerode.getContainer(started.getId());
}

async function startOneRedis(network: PrivateNetwork): Promise<RedisSide> {
  const redis = await startRedis(network);
  return {
    environment: {},
    primary: async () => redis,
    stop: async () => void (await redis.stop({ timeout: 1000 })),
  };
}

export function startRedis(network: PrivateNetwork): Promise<StartedTestContainer> {
  return new GenericContainer(redisImage())
    .withNetworkMode(network.name)
    .withNetworkAliases('redis')
    .withCommand(['redis-server', '--protected-mode', 'no', '--appendonly', 'yes'])
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .start();
}

export function startService(
  network: PrivateNetwork,
  name: string,
  environment: Environment = {},
): Promise<StartedTestContainer> {
  return new GenericContainer(imageName(name, TAG))
    .withNetworkMode(network.name)
    .withNetworkAliases(`${name}.${DNS_SUFFIX}`)
    .withEnvironment({ REDIS_URL: 'redis://redis:6379', TRUST_PROXY: 'true', ...environment })
    .withWaitStrategy(Wait.forLogMessage(`${name} listens`))
    .start();
}

function startReplica(network: PrivateNetwork, environment: Environment): Promise<StartedTestContainer> {
  return startService(network, 'realtime', { ...environment, SOCKET_PORT: '8081', DRAIN_GRACE_MS: '3000' });
}

function startGateway(network: PrivateNetwork, replicas: number): Promise<StartedTestContainer> {
  return new GenericContainer(imageName('gateway', TAG))
    .withNetworkMode(network.name)
    .withExposedPorts(8080)
    .withEnvironment({ GATEWAY_DNS_SUFFIX: DNS_SUFFIX, GATEWAY_REPLICAS: String(replicas) })
    .withWaitStrategy(Wait.forSuccessfulCommand('probe 8404 /healthz'))
    .start();
}
