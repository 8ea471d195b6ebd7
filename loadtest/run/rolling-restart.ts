import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCluster } from './target.ts';

const POLL_MS = 200;
const RESTART_TIMEOUT_MS = 60_000;

interface RestartOptions {
  dataDir: string;
  /** A command that restarts them, instead of signals to the local cluster's processes. */
  command: string | undefined;
  local: boolean;
  log: (line: string) => void;
  signal: AbortSignal;
}

/** Restarts the replicas one after the other, each when the one before is ready again. */
export async function restartReplicas(options: RestartOptions): Promise<void> {
  const { command, local, log } = options;
  if (command !== undefined) {
    log(`restarting: ${command}`);
    await run(command, log);
  } else if (local) await restartLocal(options);
  else log('restart the replicas now: this is no local cluster, and no --restart command was given');
}

/** `npm start` looks after its processes: one that ends on SIGTERM drains, and is started again. */
async function restartLocal({ dataDir, log, signal }: RestartOptions): Promise<void> {
  const urls = readCluster(dataDir)?.realtime.map(({ url }) => url) ?? [];
  for (const [index, url] of urls.entries()) {
    const replica = readCluster(dataDir)?.realtime.find((each) => each.url === url);
    if (!replica) continue;
    log(`restarting realtime ${index + 1} (pid ${replica.pid})`);
    process.kill(replica.pid, 'SIGTERM');
    const deadline = Date.now() + RESTART_TIMEOUT_MS;
    while (!(await isBack(dataDir, url, replica.serverId))) {
      if (Date.now() > deadline)
        throw new Error(`realtime ${index + 1} did not come back: is it under npm start?`);
      await sleep(POLL_MS, undefined, { signal });
    }
  }
  log('all replicas were restarted');
}

/** True when another process than the old one is ready at the address. */
async function isBack(dataDir: string, url: string, oldId: string): Promise<boolean> {
  const replica = readCluster(dataDir)?.realtime.find((each) => each.url === url);
  if (!replica || replica.serverId === oldId) return false;
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
  return answer?.ok === true;
}

function run(command: string, log: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(command, { shell: true, stdio: 'inherit' });
    child.once('error', (error) => log(`the restart command cannot be run: ${error.message}`));
    child.once('close', (code) => {
      if (code !== 0) log(`the restart command ended with code ${code}`);
      resolve();
    });
  });
}
