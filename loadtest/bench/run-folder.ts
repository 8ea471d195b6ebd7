import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));

/** Where the results of one run lie: loadtest/results/<time>-bench or -curve. It is made when something is written. */
export class RunFolder {
  readonly startedAt = new Date().toISOString();
  readonly path: string;
  /** True once something was measured and written. */
  written = false;

  constructor(kind: 'bench' | 'curve', results = RESULTS) {
    this.path = join(results, `${this.startedAt.replace(/[:.]/g, '-')}-${kind}`);
  }

  /** Writes what there is so far in the place of what there was. */
  save(summary: object, report: string): void {
    this.write('summary.json', `${JSON.stringify(summary, null, 2)}\n`);
    this.write('report.md', report);
  }

  write(name: string, text: string): void {
    mkdirSync(this.path, { recursive: true });
    writeFileSync(join(this.path, name), text);
    this.written = true;
  }
}
