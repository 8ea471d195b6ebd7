import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { RunRecord } from './record.ts';
import { Results } from './results.ts';
import { readSettings } from './settings.ts';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'chat-results-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test.each([
  ['absolute', (path: string) => path],
  ['with a slash at its end', (path: string) => `${path}/`],
  ['relative', (path: string) => `./${relative(process.cwd(), path)}`],
  ['with a detour', (path: string) => `${path}/a/..`],
])('an earlier run is found in a directory that is given %s', (_, give) => {
  const root = readSettings({ RESULTS_DIR: give(directory()) }).resultsDir;
  const record = { scenario: 'fanout', profile: 'smoke', interrupted: false } as RunRecord;
  new Results(root, 'fanout', new Date(0)).write(record, '', '');
  const second = new Results(root, 'fanout', new Date(1000));
  expect(second.previous('fanout', 'smoke')).toMatchObject({ name: '1970-01-01T00-00-00-fanout', record });
  expect(second.previous('fanout', 'average')).toBeUndefined();
});
