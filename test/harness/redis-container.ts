import { RedisContainer, type StartedRedisContainer } from '@testcontainers/redis';
import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from 'testcontainers';
import type { RunningRedis } from './redis.ts';

const IMAGE = 'redis:7-alpine';
const ANSWER_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 90_000;

/**
 * Redis in a container. Throws (with the reason in one line) when no Docker answers, or when the image is
 * neither there nor can be pulled within 90 s.
 */
export async function startRedisContainer(): Promise<RunningRedis> {
  const client = await within(ANSWER_TIMEOUT_MS, getContainerRuntimeClient(), 'Docker does not answer');
  const starting = pullAndStart(client);
  let late = false;
  // A container that comes up after we have given up is removed again.
  starting.then(
    (container) => (late ? container.stop() : undefined),
    () => undefined,
  );
  try {
    const container = await within(START_TIMEOUT_MS, starting, `${IMAGE} did not start in time`);
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

async function pullAndStart(client: ContainerRuntimeClient): Promise<StartedRedisContainer> {
  const image = ImageName.fromString(IMAGE);
  if (!(await client.image.exists(image))) await client.image.pull(image);
  return await new RedisContainer(IMAGE).start();
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
