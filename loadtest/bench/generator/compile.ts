import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Compiles a C program beside this file, once per bench.
 *
 * @param source relative to loadtest/bench
 * @returns the program's path, or undefined where there is no C compiler or no Linux.
 */
export function compile(source: string, directory: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const path = fileURLToPath(new URL(`../${source}`, import.meta.url));
  const program = join(directory, source.replace(/^.*\//, '').replace(/\.c$/, ''));
  const { status, stderr, error } = spawnSync('cc', ['-O2', '-o', program, path], { encoding: 'utf8' });
  if (error) return undefined;
  if (status !== 0) throw new Error(`cc ${source} failed:\n${stderr}`);
  return program;
}
