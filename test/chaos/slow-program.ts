import { ChatClient } from '@chat/client';
import { WebSocket } from 'ws';

/** What slow-clients.ts starts this program with. */
export interface SlowProgram {
  /** Clients of packages/client, which come back and resume. */
  clients: { urls: string[]; token: string }[];
  /** Bare sockets, which only take what they are sent. */
  bare: { url: string; token: string }[];
}

/** What it tells: that all are connected, or an event of a client. */
export type SlowReport = { ready: true } | { client: number; name: string; data: object };

const { clients, bare } = JSON.parse(process.argv[2] ?? '') as SlowProgram;
const tell = (report: SlowReport) => process.send?.(report);

const connected = clients.map(({ urls, token }, index) => {
  const client = new ChatClient({ urls, token, WebSocket });
  for (const name of ['hello', 'room', 'gap', 'state'] as const) {
    client.on(name, (data) => tell({ client: index, name, data }));
  }
  // Without the text, which is long.
  client.on('message', ({ roomId, date, prev }) =>
    tell({ client: index, name: 'message', data: { roomId, date, prev } }),
  );
  return new Promise<void>((resolve) => {
    client.on('hello', () => resolve());
    client.connect();
  });
});
const opened = bare.map(({ url, token }) => {
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  socket.on('error', () => undefined);
  return new Promise<void>((resolve) => {
    socket.once('message', () => resolve());
  });
});

process.once('disconnect', () => process.exit());
await Promise.all([...connected, ...opened]);
tell({ ready: true });
