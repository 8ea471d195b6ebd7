import { createServer } from 'node:net';

/**
 * Ports are drawn below the range from which Linux takes the source ports of outgoing connections
 * (32768..60999, net.ipv4.ip_local_port_range): a load test's thousands of sockets then cannot take a port
 * between the moment it is found free and the moment the child listens on it.
 */
const FIRST = 12_000;
const LAST = 31_999;
const TRIES = 200;

const handedOut = new Set<number>();

/** Whether a listener could be opened on host:port now. Port 0 is always free. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * A port of 127.0.0.1 that is free now and that this process has not handed out before. Another process may
 * still take it first: whoever listens on it retries with a new one.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no free port of 127.0.0.1 found between ${FIRST} and ${LAST} in ${TRIES} tries`);
}
