import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The file that says what came of making the images, once it is there. */
    imagesPrepared: string;
  }
}

const PREPARE = fileURLToPath(new URL('prepare.ts', import.meta.url));

/** Starts to make the images, once for all files, while other tests run. */
export default function setup(project: TestProject): () => Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'chat-images-'));
  const file = join(directory, 'prepared.json');
  const child = spawn(process.execPath, ['--import', 'tsx', PREPARE, file], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      if (code !== 0) writeFileSync(file, JSON.stringify({ failed: 'the images could not be made' }));
      resolve();
    });
  });
  project.provide('imagesPrepared', file);
  return async () => {
    child.kill();
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
}
