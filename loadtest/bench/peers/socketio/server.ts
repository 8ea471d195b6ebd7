import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

// The server that this cluster is measured against: Socket.IO with its Redis adapter, as well set up as its own
// guides have it (https://socket.io/docs/v4/performance-tuning/, /memory-usage/): WebSocket alone, on ws with its native
// addons (addons.ts), no compression, no serving of its client, the request of the handshake let go, commands to Redis
// pipelined. It does the same work for a message: gives it a date, stores it in the room's sorted set, sends it to the
// room on all servers, acknowledges it. It looks at no session and keeps no order, which this cluster does.
//
//   REDIS_URL, PORT

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', { enableAutoPipelining: true });
const http = createServer();
const io = new Server(http, {
  transports: ['websocket'],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  adapter: createAdapter(redis.duplicate(), redis.duplicate()),
});

io.engine.on('connection', (raw: { request: unknown }) => {
  raw.request = null;
});

let users = 0;

io.on('connection', (socket) => {
  const id = ++users;
  void socket.join('0');
  socket.on(
    'message',
    async (data: { roomId: string; message: string }, acknowledge: (ack: object) => void) => {
      const { roomId, message } = data;
      const date = Date.now() / 1000;
      const stored = { from: id, date, message, roomId };
      await redis.zadd(`socketio:room:${roomId}`, date, JSON.stringify(stored));
      io.to(roomId).emit('message', stored);
      acknowledge({ roomId, date });
    },
  );
});

http.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 });
