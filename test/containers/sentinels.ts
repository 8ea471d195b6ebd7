import { fileURLToPath } from 'node:url';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { dockerContainer, eventually, type RedisSide } from './container-cluster.ts';
import { redisImage } from './engine.ts';
import type { PrivateNetwork } from './private-network.ts';

const K8S = fileURLToPath(new URL('../../deploy/k8s', import.meta.url));
const FILES = [
  ...['redis.conf', 'auth.sh'].map((file) => `${K8S}/base/redis/${file}`),
  ...['redis-ha.conf', 'primary.sh', 'start.sh', 'start-sentinel.sh'].map(
    (file) => `${K8S}/overlays/ha/redis/${file}`,
  ),
];
const NAMES = ['redis-0', 'redis-1', 'redis-2'];
const PASSWORD = 'secret';

interface Pod {
  name: string;
  redis: StartedTestContainer;
  sentinel: StartedTestContainer;
}

/** Three Redis and three Sentinels, started by the files of the overlay ha under the names that pods have. */
export class Sentinels implements RedisSide {
  readonly environment = {
    REDIS_URL: `redis://:${PASSWORD}@redis:6379`,
    REDIS_SENTINELS: NAMES.map((name) => `${fullName(name)}:26379`).join(','),
    REDIS_SENTINEL_NAME: 'chat',
    REDIS_WAIT_REPLICAS: '1',
  };
  readonly #network: PrivateNetwork;
  #pods: Pod[] = [];

  private constructor(network: PrivateNetwork) {
    this.#network = network;
  }

  static async start(network: PrivateNetwork): Promise<Sentinels> {
    const sentinels = new Sentinels(network);
    try {
      for (const name of NAMES) await sentinels.startPod(name);
      await eventually('three Sentinels to know each other and two replicas', async () => {
        const { output } = await ask(sentinels.#pods[0]!.sentinel, 'sentinel', 'master', 'chat');
        return /num-slaves\s+2\s+num-other-sentinels\s+2/.test(output);
      });
      return sentinels;
    } catch (error) {
      await sentinels.stop();
      throw error;
    }
  }

  async primary(): Promise<StartedTestContainer> {
    return (await this.#primaryPod()).redis;
  }

  /** Removes the primary's pod without a word; resolves with its name. */
  async losePrimary(): Promise<string> {
    const pod = await this.#primaryPod();
    this.#pods = this.#pods.filter((each) => each !== pod);
    for (const container of [pod.redis, pod.sentinel])
      await (await dockerContainer(container)).remove({ force: true });
    return pod.name;
  }

  async startPod(name: string): Promise<void> {
    const volume = `${this.#network.name}-${name}`;
    const redis = await this.#container(volume, 'start.sh')
      .withHostname(name)
      .withNetworkMode(this.#network.name)
      .withNetworkAliases(fullName(name))
      .withTmpFs({ '/run/redis': 'uid=999' })
      .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
      .start();
    const sentinel = await this.#container(volume, 'start-sentinel.sh')
      .withNetworkMode(`container:${redis.getId()}`)
      .withWaitStrategy(Wait.forLogMessage('+monitor'))
      .start();
    this.#pods.push({ name, redis, sentinel });
  }

  async stop(): Promise<void> {
    for (const { redis, sentinel } of this.#pods) {
      await sentinel.stop({ timeout: 1000 });
      await redis.stop({ timeout: 1000 });
    }
    const { container } = await getContainerRuntimeClient();
    for (const name of NAMES) {
      const volume = container.dockerode.getVolume(`${this.#network.name}-${name}`);
      await volume.remove().catch(() => undefined);
    }
  }

  async #primaryPod(): Promise<Pod> {
    for (const { sentinel } of this.#pods) {
      const { output } = await ask(sentinel, 'sentinel', 'get-master-addr-by-name', 'chat');
      const pod = this.#pods.find(({ name }) => output.startsWith(`${name}.`));
      if (pod) return pod;
    }
    throw new Error('no Sentinel names a primary that is there');
  }

  #container(volume: string, script: string): GenericContainer {
    return new GenericContainer(redisImage())
      .withBindMounts([{ source: volume, target: '/data' }])
      .withCopyFilesToContainer(
        FILES.map((source) => ({ source, target: `/etc/redis/${source.split('/').pop()}` })),
      )
      .withEnvironment({ POD_NAMESPACE: 'chat', REDIS_PASSWORD: PASSWORD, REDISCLI_AUTH: PASSWORD })
      .withCommand(['sh', `/etc/redis/${script}`]);
  }
}

function fullName(name: string): string {
  return `${name}.redis-headless.chat.svc.cluster.local`;
}

function ask(sentinel: StartedTestContainer, ...command: string[]) {
  return sentinel.exec(['env', '-u', 'REDISCLI_AUTH', 'redis-cli', '-p', '26379', '--raw', ...command]);
}
