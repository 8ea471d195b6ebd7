import type { TestProject } from 'vitest/node';
import { type RunningRedis, startRedis } from './redis.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Redis that all test files share: use unique names, never FLUSHALL. */
    redisUrl: string;
  }
}

/** Starts the Redis of this test run, says which kind it is, and hands its URL to every test file. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await testRedis();
  project.provide('redisUrl', redis.url);
  return () => redis.stop();
}

async function testRedis(): Promise<RunningRedis> {
  try {
    const { startRedisContainer } = await import('./redis-container.ts');
    const container = await startRedisContainer(process.env.TEST_REDIS_IMAGE || undefined);
    console.log(`tests use Redis in a container at ${container.url}`);
    return container;
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    const redis = await startRedis();
    console.log(`tests use redis-server at ${redis.url} (no container: ${reason})`);
    return redis;
  }
}
