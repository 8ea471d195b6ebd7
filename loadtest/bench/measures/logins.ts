import { execFile } from 'node:child_process';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench } from '../bench.ts';
import type { ChatTarget } from '../targets/chat.ts';

/** Logins under way at once: more than auth checks at a time, so that it never waits for the next. */
const CLIENTS = 8;
const ROUNDS = 2;
/** The default of BCRYPT_COST. */
const COST = 10;
const YARDSTICK = fileURLToPath(new URL('../yardsticks/bcrypt.ts', import.meta.url));
const agent = new Agent({ keepAlive: true });
const ACCOUNT = JSON.stringify({ username: 'login-bench', password: 'password123' });

export interface Logins {
  perSecond: number;
  /** Password checks a second by bcrypt alone, on as many threads as there are cores. */
  bcryptPerSecond: number;
}

/** Logins a second by one auth process, in turn with bcrypt alone; of each the best round. */
export async function measureLogins(bench: Bench, target: ChatTarget): Promise<Logins> {
  const { url } = target.cluster.auth[0]!;
  const best: Logins = { perSecond: 0, bcryptPerSecond: 0 };
  await login(url);
  for (let round = 0; round < ROUNDS; round++) {
    best.bcryptPerSecond = Math.max(best.bcryptPerSecond, await bcryptAlone(bench.options.duration));
    best.perSecond = Math.max(best.perSecond, await logins(url, bench.options.duration));
  }
  const { perSecond, bcryptPerSecond } = best;
  bench.log(`logins: ${perSecond.toFixed(1)}/s; bcrypt alone ${bcryptPerSecond.toFixed(1)}/s`);
  return best;
}

async function bcryptAlone(seconds: number): Promise<number> {
  const args = ['--import', 'tsx', YARDSTICK, String(seconds), String(COST)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}

async function logins(url: string, seconds: number): Promise<number> {
  const start = performance.now();
  const end = start + seconds * 1000;
  let count = 0;
  const client = async () => {
    while (performance.now() < end) {
      await login(url);
      count++;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return count / ((performance.now() - start) / 1000);
}

/** The first one registers the name. Not by fetch, which takes of the same cores what bcrypt would use. */
function login(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': ACCOUNT.length };
    const sent = request(`${url}/login`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`POST /login answered ${response.statusCode}`));
      });
    });
    sent.once('error', reject);
    sent.end(ACCOUNT);
  });
}
