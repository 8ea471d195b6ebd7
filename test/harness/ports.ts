import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * Ports are drawn below the range from which Linux takes the source ports of outgoing connections
 * (32768..60999, net.ipv4.ip_local_port_range): a load test's thousands of sockets then cannot take a port
 * between the moment it is found free and the moment the child listens on it.
 */
const FIRST = 12_000;
const LAST = 31_999;
const TRIES = 200;

/** A file for each port that a process of this user was given, with its pid: others take none of these. */
const RESERVATIONS = join(tmpdir(), `chat-ports-${userInfo().uid}`);
const reserved = new Set<number>();

/** Whether a listener could be opened on host:port now. Port 0 is always free. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * A port of 127.0.0.1 that is free now, and that no process of this user is given as long as this one lives. A process
 * of another kind may still take it first: whoever listens on it retries with a new one.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (reserve(port) && (await isPortFree(port))) return port;
  }
  throw new Error(`no free port of 127.0.0.1 found between ${FIRST} and ${LAST} in ${TRIES} tries`);
}

function reserve(port: number): boolean {
  if (reserved.size === 0) {
    sweep();
    process.once('exit', release);
  }
  const file = join(RESERVATIONS, String(port));
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch {
    if (ownerLives(file)) return false;
    // Of a process that was killed. Should two take it over at once, one of them will find the port taken.
    writeFileSync(file, String(process.pid));
  }
  reserved.add(port);
  return true;
}

/** Removes what killed processes left behind. */
function sweep(): void {
  mkdirSync(RESERVATIONS, { recursive: true });
  for (const name of readdirSync(RESERVATIONS)) {
    const file = join(RESERVATIONS, name);
    if (!ownerLives(file)) rmSync(file, { force: true });
  }
}

function ownerLives(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function release(): void {
  for (const port of reserved) rmSync(join(RESERVATIONS, String(port)), { force: true });
}
