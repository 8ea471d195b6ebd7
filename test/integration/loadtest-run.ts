import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { k6InPath } from '../../loadtest/run/k6.ts';
import type { RunRecord } from '../../loadtest/run/record.ts';
import { type Cluster, type ClusterOptions, startCluster } from '../harness/cluster.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Load tests run where k6 is in PATH; elsewhere they are type-checked alone. */
export const hasK6 = k6InPath(process.env.PATH ?? '') !== undefined;
if (!hasK6) console.log('skipped: the load tests were not run, because there is no k6 in PATH');

export interface LoadTarget {
  cluster: Cluster;
  /** Gone after stop, with all that is in it. */
  directory: string;
  /** By these {@link runLoad} finds the cluster, and keeps its results. */
  env: { DATA_DIR: string; RESULTS_DIR: string };
  stop(): Promise<void>;
}

/**
 * A cluster to load as npm start runs it, with the limits on (a smoke has to pass on any cluster), and an empty folder for
 * results.
 */
export async function startTarget(options: ClusterOptions = {}): Promise<LoadTarget> {
  const directory = mkdtempSync(join(tmpdir(), 'chat-load-'));
  const env = { DATA_DIR: join(directory, 'data'), RESULTS_DIR: join(directory, 'results') };
  mkdirSync(env.RESULTS_DIR);
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const cluster = await startCluster({ ...options, dataDir: env.DATA_DIR, supervise: true });
    return { cluster, directory, env, stop: () => cluster.stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

export interface LoadRun {
  code: number;
  /** Both streams. */
  output: string;
  /** Undefined when there are no results. */
  results?: { record: RunRecord; html: string; text: string };
}

/** What `npm run load` does, as a process of its own. */
export async function runLoad(
  args: string[],
  env: NodeJS.ProcessEnv & { RESULTS_DIR: string },
): Promise<LoadRun> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'loadtest/run.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
  return { code, output, results: newestResults(env.RESULTS_DIR, output) };
}

function newestResults(directory: string, output: string): LoadRun['results'] {
  const path = /report {2}(.*)\/report\.html/.exec(output)?.[1];
  if (path === undefined || !readdirSync(directory).some((name) => path.endsWith(name))) return undefined;
  const read = (name: string) => readFileSync(join(path, name), 'utf8');
  return {
    record: JSON.parse(read('summary.json')) as RunRecord,
    html: read('report.html'),
    text: read('summary.txt'),
  };
}
