import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { App } from './state.ts';

interface Address {
  host: string;
  /** 0 takes a free one. */
  port: number;
}

export interface Served {
  /** Where the process itself reaches the app. */
  url: string;
  port: number;
  /** Stops listening and resolves when the requests under way are answered; after `graceMs` (5000) they are cut. */
  close(graceMs?: number): Promise<void>;
}

/** @throws Error with code EADDRINUSE and the like when the port cannot be had. */
export async function serve(app: App, { host, port }: Address): Promise<Served> {
  const server = createServer(app.callback());
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  // Longer than a gateway keeps an idle connection, so that it never sends into one that just closes here.
  server.keepAliveTimeout = 65_000;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  let closing: Promise<void> | undefined;
  server.prependListener('request', (_request, response) => {
    if (closing !== undefined) response.setHeader('Connection', 'close');
  });
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  return {
    url: `http://${localName(address)}:${address.port}`,
    port: address.port,
    close(graceMs = 5000) {
      closing ??= close(server, sockets, graceMs);
      return closing;
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function close(server: Server, sockets: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  // Connections fall idle one by one as their answers go out.
  const idle = setInterval(() => {
    server.closeIdleConnections();
    // Opened ahead by a browser or a balancer: Node does not count them as idle before their first request.
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  }, 50);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  try {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  } finally {
    clearInterval(idle);
    clearTimeout(cut);
  }
}

function localName({ address, family }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return '127.0.0.1';
  return family === 'IPv6' ? `[${address}]` : address;
}
