import { once } from 'node:events';
import { Appender, draft, keys } from '@chat/store';
import { WebSocket } from 'ws';
import { RawHttp } from '../../../test/harness/raw-http.ts';
import type { ChatTarget } from '../targets/chat.ts';

/** Clients that ask at the same time, one request each. */
export const CLIENTS = 8;
/** Rooms of one user, and users online: many, and still possible. */
const ROOMS = 1000;
const ONLINE = 3000;
/** Messages of the last minutes in rooms in which a retried message is looked for the first time. */
const BUSY = 10_000;
const BUSY_ROOMS = 40;
/** Messages in the room that is read again and again: as many as one resume sends. */
const READ = 500;
/** What a WebSocket frame of a client takes beside its text: a header and the mask; two bytes more from 126 on. */
const FRAME_HEAD = 6;

/** Sends the nth request of all clients, and resolves with its bytes once it is answered; undefined: there are no more. */
export type Ask = (n: number) => Promise<number | undefined>;

export interface Abuse {
  what: string;
  /** What bounds how often one client may do it; empty: nothing. */
  charged: string;
  connect(client: number): Promise<{ ask: Ask; close(): void }>;
}

const PER_MESSAGE = 'MESSAGES_PER_SECOND';
const PER_FRAME = 'FRAMES_PER_SECOND';
const PER_UPGRADE = 'UPGRADES_PER_SECOND';
const PER_LOGIN = 'LOGIN_ATTEMPTS_PER_NAME, _PER_ADDRESS';
const PER_ROOM = 'ROOMS_PER_USER';

/** Everything that a client can ask for, with a message first that says what is normal, short and as long as may be. */
export async function abuses(target: ChatTarget): Promise<Abuse[]> {
  const { cluster } = target;
  const people = await target.users(ONLINE);
  const many = people[0]!;
  await target.redis.sadd(
    keys.onlineUsers,
    people.map(({ id }) => id),
  );
  const rooms = await target.rooms(Array.from({ length: ROOMS }, () => [many.id]));
  const [read, ...others] = await target.rooms(Array.from({ length: BUSY_ROOMS + 1 }, () => [people[1]!.id]));
  const appender = new Appender(target.redis, { serverId: 'bench', keep: 0 });
  const fill = async (room: string, count: number) => {
    for (let n = 0; n < count; n += 250) {
      const drafts = Array.from({ length: 250 }, (_, at) =>
        draft(1, room, 'x'.repeat(60), `f-${n + at}`, false),
      );
      await appender.append(room, drafts);
    }
  };
  await fill(read!, READ);
  for (const room of others) await fill(room, BUSY);
  for (const room of rooms) await appender.append(room, [draft(1, room, 'one', 'c-1', false)]);

  const own = (n: number) => ({ roomId: '0', message: `~${n}` });
  const known = Object.fromEntries(rooms.map((id) => [id, 0]));
  const unknown = Object.fromEntries(rooms.map((_, n) => [String(900_000 + n), 0]));
  const frame = (
    what: string,
    charged: string,
    text: (n: number) => unknown,
    answer: string,
    user = people[1]!,
  ): Abuse => ({
    what,
    charged,
    connect: () => webSocket(cluster.realtime[0]!.port, user.token, text, answer),
  });
  const route = (
    what: string,
    charged: string,
    service: 'auth' | 'history' | 'realtime',
    request: (n: number) => string,
    more: {
      body?: (n: number) => unknown;
      user?: { token: string };
      headers?: string;
      streams?: boolean;
    } = {},
  ): Abuse => ({
    what,
    charged,
    connect: () => http(cluster[service][0]!.url, more.user ?? people[1]!, request, more),
  });
  const password = 'password123';
  return [
    frame(
      'message of a few bytes',
      PER_MESSAGE,
      (n) => ({ type: 'message', data: own(n), cid: `c-${n}` }),
      'ack',
    ),
    frame(
      'message of 4,096 bytes',
      PER_MESSAGE,
      (n) => ({ type: 'message', data: { roomId: '0', message: 'x'.repeat(4096) }, cid: `l-${n}` }),
      'ack',
    ),
    frame(
      `first retry in a room with ${BUSY} recent messages`,
      PER_MESSAGE,
      (n) =>
        others[n] && {
          type: 'message',
          data: { roomId: others[n], message: 'x' },
          cid: `r-${n}`,
          retry: true,
        },
      'ack',
    ),
    frame(
      'another retry in such a room',
      PER_MESSAGE,
      (n) => ({ type: 'message', data: { roomId: others[0], message: 'x' }, cid: `s-${n}`, retry: true }),
      'ack',
    ),
    frame(
      'message that is empty',
      PER_FRAME,
      () => ({ type: 'message', data: { roomId: '0', message: '' } }),
      'error',
    ),
    frame('room.join', PER_FRAME, () => ({ type: 'room.join', data: { roomId: read } }), 'room.joined'),
    frame(
      `room.join with since, ${READ} messages missed`,
      PER_FRAME,
      () => ({ type: 'room.join', data: { roomId: read, since: 0 } }),
      'resumed',
    ),
    frame(
      'room.join of a room that is not there',
      PER_FRAME,
      () => ({ type: 'room.join', data: { roomId: '999999' } }),
      'error',
    ),
    frame(
      `resume of one room, ${READ} messages missed`,
      PER_FRAME,
      () => ({ type: 'resume', data: { rooms: { [read!]: 0 } } }),
      'resumed',
    ),
    frame(
      `resume of ${ROOMS} rooms, one message missed in each`,
      `${PER_FRAME}, 21`,
      () => ({ type: 'resume', data: { rooms: known } }),
      'resumed',
      many,
    ),
    frame(
      `resume of ${ROOMS} rooms that are not there`,
      `${PER_FRAME}, 21`,
      () => ({ type: 'resume', data: { rooms: unknown } }),
      'resumed',
    ),
    frame(
      'typing',
      `${PER_FRAME}, ${PER_MESSAGE}`,
      () => ({ type: 'typing', data: { roomId: '0' } }),
      'typing',
    ),
    frame('ping', PER_FRAME, () => ({ type: 'ping' }), 'pong'),
    frame('ping of 16 KiB', PER_FRAME, () => ({ type: 'ping', data: 'x'.repeat(16_300) }), 'pong'),
    frame('what is no JSON', `${PER_FRAME}, 5`, () => 'x', 'error'),
    frame('deep JSON of 16 KiB', `${PER_FRAME}, 5`, () => `${'['.repeat(8000)}${']'.repeat(8000)}`, 'error'),
    frame('a binary frame', `${PER_FRAME}, 5`, () => Buffer.from('x'), 'error'),
    frame('a ping of the WebSocket protocol', PER_FRAME, () => undefined, ''),

    route('a WebSocket, opened and closed', PER_UPGRADE, 'realtime', () => 'GET /ws', {
      headers: UPGRADE,
      streams: true,
    }),
    route('a WebSocket without a session', PER_UPGRADE, 'realtime', () => 'GET /ws', {
      headers: UPGRADE,
      streams: true,
      user: { token: 'x' },
    }),
    route('GET /stream, opened and closed', PER_UPGRADE, 'realtime', () => 'GET /stream', { streams: true }),
    route(`GET /stream of ${ROOMS} rooms, resumed`, PER_UPGRADE, 'realtime', () => 'GET /stream', {
      headers: 'Last-Event-ID: 0\r\n',
      streams: true,
      user: many,
    }),
    route('GET / of the page', '', 'realtime', () => 'GET /'),
    route('GET /healthz', '', 'realtime', () => 'GET /healthz'),
    route('a path that is not there', '', 'realtime', () => 'GET /nothing'),

    route('POST /login', PER_LOGIN, 'auth', () => 'POST /login', {
      body: () => ({ username: 'abuse', password }),
    }),
    route('POST /register', 'REGISTRATIONS_PER_ADDRESS', 'auth', () => 'POST /register', {
      body: (n) => ({ username: `abuse-${n}`, password }),
    }),
    route('POST /password with a wrong one', PER_LOGIN, 'auth', () => 'POST /password', {
      body: () => ({ old: 'wrong-password', new: password }),
    }),
    route('POST /logout without a session', '', 'auth', () => 'POST /logout', { user: { token: 'x' } }),
    route('GET /me', '', 'auth', () => 'GET /me'),
    route('GET /me without a session', '', 'auth', () => 'GET /me', { user: { token: 'x' } }),
    route('GET /randomname', '', 'auth', () => 'GET /randomname'),
    route('GET /links', '', 'auth', () => 'GET /links'),

    route(`GET /rooms/:id of ${ROOMS} rooms`, '', 'history', () => `GET /rooms/${many.id}`, { user: many }),
    route('GET /room/:id/messages, 200 of them', '', 'history', () => `GET /room/${read}/messages?size=200`),
    route(
      'the same, other ones each time',
      '',
      'history',
      (n) => `GET /room/${read}/messages?size=200&offset=${n % 300}`,
    ),
    route('GET /room/0/preload', '', 'history', () => 'GET /room/0/preload'),
    route(
      'GET /users of 100 ids',
      '',
      'history',
      () => `GET /users?ids=${people.slice(0, 100).map(({ id }) => id)}`,
    ),
    route(`GET /users/online, ${ONLINE} online`, '', 'history', () => 'GET /users/online'),
    route('POST /room', PER_ROOM, 'history', () => 'POST /room', {
      body: (n) => ({ user1: people[1]!.id, user2: people[2 + (n % 1000)]!.id }),
    }),
    route('POST /rooms', PER_ROOM, 'history', () => 'POST /rooms', { body: (n) => ({ name: `abuse ${n}` }) }),
    route('POST /rooms/:id/join', PER_ROOM, 'history', () => `POST /rooms/${read}/join`, {
      body: () => ({}),
    }),
  ];
}

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** Asks by frames; the answer is the first frame of that type, or a pong of the protocol. */
async function webSocket(port: number, token: string, text: (n: number) => unknown, answer: string) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, {
    headers: { authorization: `Bearer ${token}` },
  });
  let answered: () => void = () => undefined;
  const start = `{"type":"${answer}"`;
  socket.on('message', (data: Buffer) => {
    // An error of a room is part of the answer, one of these is all of it.
    const text = data.subarray(0, 60).toString();
    if (
      text.startsWith(start) ||
      /^{"type":"error","data":{"code":"(unavailable|busy|rate_limited|internal)/.test(text)
    )
      answered();
  });
  socket.on('pong', () => answered());
  // Its first frame is hello, and whoever did not get it yet may send less.
  await once(socket, 'message');
  return {
    async ask(n: number) {
      const wanted = text(n);
      const isPing = answer === '';
      if (wanted === undefined && !isPing) return undefined;
      const raw = typeof wanted === 'string' || Buffer.isBuffer(wanted) || isPing;
      const frame = raw ? ((wanted ?? '') as string | Buffer) : JSON.stringify(wanted);
      const done = new Promise<void>((resolve, reject) => {
        answered = resolve;
        socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
      });
      if (isPing) socket.ping();
      else socket.send(frame);
      await done;
      socket.removeAllListeners('close');
      const { length } = Buffer.from(frame);
      return length + FRAME_HEAD + (length > 125 ? 2 : 0);
    },
    close: () => socket.terminate(),
  };
}

/** Asks by requests on one connection, or on one each for what does not end by itself. */
async function http(
  url: string,
  { token }: { token: string },
  request: (n: number) => string,
  {
    body,
    headers = '',
    streams = false,
  }: { body?: (n: number) => unknown; headers?: string; streams?: boolean },
) {
  let connection: RawHttp | undefined;
  return {
    async ask(n: number) {
      connection ??= await RawHttp.connect(url);
      const text = body ? JSON.stringify(body(n)) : '';
      const length = body ? `Content-Type: application/json\r\nContent-Length: ${text.length}\r\n` : '';
      const bytes = `${request(n)} HTTP/1.1\r\nHost: chat\r\nAuthorization: Bearer ${token}\r\n${headers}${length}\r\n${text}`;
      connection.send(bytes);
      const answer = await connection.read(streams);
      if (!answer || answer.status >= 500)
        throw new Error(`${request(n)}: ${answer?.status} ${answer?.body}`);
      if (streams) {
        connection.close();
        connection = undefined;
      }
      return bytes.length;
    },
    close: () => connection?.close(),
  };
}
