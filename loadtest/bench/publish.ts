import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));

/** Files of a run, and where docs keeps them: what its figures are taken from. */
const PUBLISHED = {
  bench: { 'summary.json': 'figures/bench.json' },
  curve: { 'summary.json': 'figures/capacity.json', 'capacity.svg': 'images/capacity.svg' },
} as const;

/** Copies a run into docs. @returns the files that were written, relative to docs */
export function publish(kind: keyof typeof PUBLISHED, run: string, docs = DOCS): string[] {
  const files = Object.entries(PUBLISHED[kind]);
  for (const [from, to] of files) {
    mkdirSync(dirname(join(docs, to)), { recursive: true });
    copyFileSync(join(run, from), join(docs, to));
  }
  return files.map(([, to]) => to);
}
