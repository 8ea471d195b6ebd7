import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { compile } from './compile.ts';

export interface GeneratorProgram {
  kind: 'C' | 'JavaScript';
  command: string[];
}

/** The generator in C where there is a compiler, else the same in JavaScript. */
export async function generatorProgram(
  directory: string,
  wanted: GeneratorProgram['kind'] | undefined,
): Promise<GeneratorProgram> {
  const program = wanted === 'JavaScript' ? undefined : compile('generator/generator.c', directory);
  if (program) return { kind: 'C', command: [program] };
  if (wanted === 'C') throw new Error('there is no C compiler (cc) here, or this is not Linux');
  const outfile = join(directory, 'generator.mjs');
  const entry = fileURLToPath(new URL('./js/main.ts', import.meta.url));
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
  return { kind: 'JavaScript', command: [process.execPath, outfile] };
}
