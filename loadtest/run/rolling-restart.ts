import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rule } from '../lib/summary-text.ts';
import { readCluster } from './target.ts';

const POLL_MS = 200;
const RESTART_TIMEOUT_MS = 60_000;
/** A command that is told to end may take so long. */
const END_MS = 5000;

interface RestartOptions {
  dataDir: string;
  /** A command that restarts them, instead of signals to the local cluster's processes. */
  command: string | undefined;
  local: boolean;
  log: (line: string) => void;
  /** The run has ended, and what was not restarted by then was not. */
  signal: AbortSignal;
}

/**
 * Restarts the replicas one after the other, each when the one before is ready again.
 *
 * @returns what came of it; undefined where somebody else has to restart them
 */
export async function restartReplicas(options: RestartOptions): Promise<Rule | undefined> {
  const { command, local, log } = options;
  if (command !== undefined) return runCommand(command, options);
  if (local) return restartLocal(options);
  log('restart the replicas now: this is no local cluster, and no --restart command was given');
  return undefined;
}

/** `npm start` looks after its processes: one that ends on SIGTERM drains, and is started again. */
async function restartLocal({ dataDir, log, signal }: RestartOptions): Promise<Rule> {
  const urls = readCluster(dataDir)?.realtime.map(({ url }) => url) ?? [];
  let restarted = 0;
  try {
    for (const [index, url] of urls.entries()) {
      signal.throwIfAborted();
      await restartOne({ dataDir, url, name: `realtime ${index + 1}`, log, signal });
      restarted++;
    }
    log('all replicas were restarted');
  } catch (error) {
    if (!signal.aborted) log((error as Error).message);
  }
  return {
    metric: 'replicas restarted',
    rule: `${restarted} of ${urls.length}`,
    ok: restarted > 0 && restarted === urls.length,
  };
}

interface One extends Pick<RestartOptions, 'dataDir' | 'log' | 'signal'> {
  url: string;
  name: string;
}

async function restartOne({ dataDir, url, name, log, signal }: One): Promise<void> {
  const find = () => readCluster(dataDir)?.realtime.find((each) => each.url === url);
  const replica = find();
  // A file that a cluster left behind names pids that are those of other processes by now.
  if (!replica || (await whoAnswers(`${url}/healthz`)) !== replica.serverId)
    throw new Error(
      `${name} is not at ${url}, though ${dataDir}/cluster.json says so: is the cluster running?`,
    );
  log(`restarting ${name} (pid ${replica.pid})`);
  process.kill(replica.pid, 'SIGTERM');
  const deadline = Date.now() + RESTART_TIMEOUT_MS;
  for (;;) {
    const serverId = await whoAnswers(`${url}/readyz`);
    if (serverId !== undefined && serverId !== replica.serverId && find()?.serverId === serverId) return;
    if (Date.now() > deadline) throw new Error(`${name} did not come back: is it under npm start?`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** The serverId of who answers there with 200. */
async function whoAnswers(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1000) });
    return answer.ok ? ((await answer.json()) as { serverId: string }).serverId : undefined;
  } catch {
    return undefined;
  }
}

function runCommand(command: string, { log, signal }: RestartOptions): Promise<Rule> {
  const rule = (text: string, ok = false): Rule => ({ metric: 'restart command', rule: text, ok });
  if (signal.aborted) return Promise.resolve(rule('was not run'));
  log(`restarting: ${command}`);
  return new Promise((resolve) => {
    // A group of its own: what the shell has started ends with it.
    const child = spawn(command, { shell: true, stdio: 'inherit', detached: true });
    const end = () => {
      killGroup(child.pid, 'SIGTERM');
      setTimeout(() => killGroup(child.pid, 'SIGKILL'), END_MS).unref();
    };
    signal.addEventListener('abort', end);
    child.once('error', (error) => resolve(rule(`cannot be run: ${error.message}`)));
    child.once('close', (code) => {
      signal.removeEventListener('abort', end);
      if (signal.aborted) resolve(rule('had not ended when the run did'));
      else resolve(rule(`ended with code ${code}`, code === 0));
    });
  });
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}
