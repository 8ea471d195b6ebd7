import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from '../test/harness/programs.ts';
import { build } from './build.mjs';
import { summary, type VitestReport } from './test-summary.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROJECTS = new Set(['unit', 'integration', 'e2e', 'containers']);

/** Runs vitest with these arguments; returns its exit code. The last line printed is the summary. */
export async function runTests(args: string[]): Promise<number> {
  for (const program of ['redis-server', 'haproxy', 'chromium'] as const) {
    // Redis may also come in a container, and who has no Chromium still has all other tests.
    if (!ensureInstalled(program)) console.log(`${program} is not installed: tests that need it will say so`);
  }
  await build();
  const dir = mkdtempSync(join(tmpdir(), 'chat-tests-'));
  const reportFile = join(dir, 'report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const given = args.flatMap((arg) => (PROJECTS.has(arg) ? ['--project', arg] : [arg]));
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...given], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const report = readReport(reportFile);
  rmSync(dir, { recursive: true, force: true });
  if (!report) {
    console.log('vitest ended without a report');
    return status || 1;
  }
  console.log(summary(report));
  return status ?? 1;
}

function readReport(file: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
  } catch {
    return undefined;
  }
}
