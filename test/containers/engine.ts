import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BASES } from '../../scripts/images-bases.mjs';
import { findProgram } from '../harness/programs.ts';

// Nothing here leaves containers behind that testcontainers' reaper would have to remove, and its image cannot be
// pulled everywhere.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';

const BASES_SCRIPT = fileURLToPath(new URL('../../scripts/images-bases.mjs', import.meta.url));

/**
 * Why no containers run here; undefined when they do. The base images are made or pulled on the way, which takes two
 * minutes on a machine that has none and reaches no registry.
 */
export async function whyNoContainers(): Promise<string | undefined> {
  const reason = await lookFor();
  if (reason) console.log(`tests in containers are skipped: ${reason}`);
  return reason;
}

async function lookFor(): Promise<string | undefined> {
  if (!succeeds('docker', ['version'])) return 'no Docker engine answers';
  const missing = Object.values(BASES).filter(
    (base) => !hasImage(base.publicName) && !hasImage(base.localName),
  );
  if (missing.every(({ publicName }) => succeeds('docker', ['pull', '-q', publicName]))) return undefined;
  if (process.getuid?.() !== 0 || !findProgram('debootstrap')) {
    return 'Docker reaches no registry, and the base images cannot be made without root and debootstrap';
  }
  console.log('making the base images, as Docker reaches no registry');
  return (await runs(process.execPath, [BASES_SCRIPT])) ? undefined : 'the base images could not be made';
}

/** The image of Redis that is here. */
export function redisImage(): string {
  const { publicName, localName } = BASES.redis;
  return hasImage(publicName) ? publicName : localName;
}

function hasImage(name: string): boolean {
  return succeeds('docker', ['image', 'inspect', name]);
}

function succeeds(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Not spawnSync: a worker that is silent for a minute is given up by its test runner. */
function runs(command: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}
