import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { renderCurveReport } from './curve/report.ts';
import { renderReport } from './report.ts';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
const read = (path: string) => readFileSync(join(DOCS, path), 'utf8');
const summary = (name: string) => JSON.parse(read(`figures/${name}.json`));

describe('the tables of the documents are those of the published run', () => {
  it.runIf(existsSync(join(DOCS, 'figures/bench.json')))('in performance.md', () => {
    const report = renderReport(summary('bench'));
    expect(lacking('performance.md', report, ['Figures to reach', 'Fan-out into a room of 900'])).toEqual([]);
  });

  it.runIf(existsSync(join(DOCS, 'figures/capacity.json')))('in capacity.md', () => {
    const report = renderCurveReport(summary('capacity').curve);
    expect(lacking('capacity.md', report, ['Knees', 'One replica at 70 % of its knee'])).toEqual([]);
  });
});

/** Rows of these sections of a report that a document does not have. */
function lacking(document: string, report: string, sections: string[]): string[] {
  const text = read(document);
  const wanted = report.split(/^## /m).filter((section) => sections.some((name) => section.startsWith(name)));
  expect(wanted).toHaveLength(sections.length);
  return wanted
    .flatMap((section) => section.split('\n'))
    .filter((line) => line.startsWith('| ') && !text.includes(line));
}
