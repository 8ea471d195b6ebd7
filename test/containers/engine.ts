import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { imageExists } from '../../scripts/docker.mjs';
import { BASES } from '../../scripts/images-bases.mjs';

// Nothing here leaves containers behind that testcontainers' reaper would have to remove, and its image cannot be
// pulled everywhere.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';

/** The tag of the images under test. */
export const TAG = 'test';

/** What came of making the images. */
export interface Prepared {
  /** Why there can be none on this machine. */
  skipped?: string;
  /** What went wrong. */
  failed?: string;
}

/** Waits for the images. @param file where prepare.ts writes what came of it */
export async function prepared(file: string): Promise<Prepared> {
  while (!existsSync(file)) await sleep(100);
  return JSON.parse(readFileSync(file, 'utf8')) as Prepared;
}

/** The image of Redis that is here. */
export function redisImage(): string {
  const { publicName, localName } = BASES.redis;
  return imageExists(publicName) ? publicName : localName;
}
