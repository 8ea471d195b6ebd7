import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ProfileName, ScenarioName } from '../lib/profiles.ts';
import type { RunSummary } from '../lib/summary-text.ts';
import type { RunRecord } from './record.ts';

/** One run's directory under loadtest/results. */
export class Results {
  readonly path: string;
  /** Written by k6's handleSummary. */
  readonly k6Summary: string;
  /** What the scripts print. */
  readonly console: string;
  readonly #root: string;

  /** Makes a new directory, named after the time (UTC) and the scenario. */
  constructor(root: string, scenario: ScenarioName, now = new Date()) {
    const time = now.toISOString().slice(0, 19).replace(/:/g, '-');
    let path = join(root, `${time}-${scenario}`);
    for (let copy = 2; existsSync(path); copy++) path = join(root, `${time}.${copy}-${scenario}`);
    mkdirSync(path, { recursive: true });
    this.path = path;
    this.#root = root;
    this.k6Summary = join(path, 'k6-summary.json');
    this.console = join(path, 'console.log');
  }

  /** The k6 summary; undefined when k6 ended without one. */
  read(): RunSummary | undefined {
    return readJson(this.k6Summary);
  }

  /** The whole run before this one of the same scenario and profile: other loads tell nothing about this one. */
  previous(scenario: ScenarioName, profile: ProfileName): { name: string; record: RunRecord } | undefined {
    const own = basename(this.path);
    const names = readdirSync(this.#root).filter((name) => name.endsWith(`-${scenario}`));
    for (const name of names.sort().reverse()) {
      if (name >= own) continue;
      const record = readJson<RunRecord>(join(this.#root, name, 'summary.json'));
      if (record?.scenario !== scenario || record.profile !== profile || record.interrupted) continue;
      return { name, record };
    }
    return undefined;
  }

  write(record: RunRecord, html: string, text: string): void {
    writeFileSync(join(this.path, 'summary.json'), `${JSON.stringify(record, null, 2)}\n`);
    writeFileSync(join(this.path, 'report.html'), html);
    writeFileSync(join(this.path, 'summary.txt'), text);
    // Its content is in the others now.
    rmSync(this.k6Summary, { force: true });
  }

  /** What the scripts printed, too, is in the others, where they were written from a run that came to its end. */
  removeConsole(): void {
    rmSync(this.console, { force: true });
  }

  /** Leaves nothing of a run that did not begin. */
  discard(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
