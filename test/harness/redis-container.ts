import { RedisContainer, type StartedRedisContainer } from '@testcontainers/redis';
import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from 'testcontainers';
import type { RunningRedis } from './redis.ts';

const IMAGE = 'redis:7-alpine';
/** The one that testcontainers 12.0.1 starts. */
const REAPER_IMAGE = 'testcontainers/ryuk:0.14.0';
const ANSWER_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 90_000;

/**
 * Redis in a container. Throws (with the reason in one line) when no Docker answers, or when the image is
 * neither there nor can be pulled within 90 s.
 *
 * @param image default redis:7-alpine
 */
export async function startRedisContainer(image = IMAGE): Promise<RunningRedis> {
  const client = await within(ANSWER_TIMEOUT_MS, getContainerRuntimeClient(), 'Docker does not answer');
  const starting = pullAndStart(client, image);
  let late = false;
  // A container that comes up after we have given up is removed again.
  starting.then(
    (container) => (late ? container.stop() : undefined),
    () => undefined,
  );
  try {
    const container = await within(START_TIMEOUT_MS, starting, `${image} did not start in time`);
    return {
      kind: 'container',
      url: `redis://${container.getHost()}:${container.getPort()}`,
      port: container.getPort(),
      stop: async () => void (await container.stop()),
    };
  } catch (error) {
    late = true;
    throw error;
  }
}

async function pullAndStart(client: ContainerRuntimeClient, image: string): Promise<StartedRedisContainer> {
  await have(client, image);
  // The reaper removes the container should this process be killed; without its image we remove it on stop alone.
  await have(client, REAPER_IMAGE).catch(() => {
    process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  });
  return await new RedisContainer(image)
    .withCommand(['redis-server', '--save', '', '--protected-mode', 'no'])
    .start();
}

async function have(client: ContainerRuntimeClient, image: string): Promise<void> {
  const name = ImageName.fromString(image);
  if (!(await client.image.exists(name))) await client.image.pull(name);
}

async function within<T>(ms: number, work: Promise<T>, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
