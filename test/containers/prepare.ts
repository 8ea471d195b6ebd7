import { spawnSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dockerAnswers, imageExists } from '../../scripts/docker.mjs';
import { buildImages } from '../../scripts/images.mjs';
import { BASES } from '../../scripts/images-bases.mjs';
import { findProgram } from '../harness/programs.ts';
import { type Prepared, TAG } from './engine.ts';

// As a process beside the first tests: makes the images that the tests of this folder run, and writes to a file that
// they are there, or why not.
const BASES_SCRIPT = fileURLToPath(new URL('../../scripts/images-bases.mjs', import.meta.url));

const [file] = process.argv.slice(2);
writeFileSync(`${file}.new`, JSON.stringify(await prepare()));
renameSync(`${file}.new`, file!);

async function prepare(): Promise<Prepared> {
  const skipped = whyNoContainers();
  if (skipped) {
    console.log(`tests in containers are skipped: ${skipped}`);
    return { skipped };
  }
  try {
    await buildImages({ tag: TAG, log: () => undefined });
    return {};
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

/** The base images are made or pulled on the way, which takes two minutes where there are none and no registry. */
function whyNoContainers(): string | undefined {
  if (!dockerAnswers()) return 'no Docker engine answers';
  const missing = Object.values(BASES).filter(
    (base) => !imageExists(base.publicName) && !imageExists(base.localName),
  );
  if (missing.every(({ publicName }) => canPull(publicName))) return undefined;
  if (process.getuid?.() !== 0 || !findProgram('debootstrap')) {
    return 'Docker reaches no registry, and the base images cannot be made without root and debootstrap';
  }
  console.log('making the base images, as Docker reaches no registry');
  const { status } = spawnSync(process.execPath, [BASES_SCRIPT], { stdio: ['ignore', 'inherit', 'inherit'] });
  return status === 0 ? undefined : 'the base images could not be made';
}

function canPull(image: string): boolean {
  return spawnSync('docker', ['pull', '-q', image], { stdio: 'ignore' }).status === 0;
}
