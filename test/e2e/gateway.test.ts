import { request } from 'node:http';
import { GENERAL } from '@chat/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ChatSocket } from '../harness/chat-socket.ts';
import { type Cluster, startCluster } from '../harness/cluster.ts';

let cluster: Cluster;
let sockets: ChatSocket[] = [];

beforeAll(async () => {
  cluster = await startCluster();
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
  sockets = [];
});
afterAll(() => cluster?.stop());

const origin = () => cluster.gateway.url;
const ws = (path: string) => `${origin().replace('http', 'ws')}${path}`;

interface Visitor {
  id: number;
  username: string;
  /** As a browser keeps and sends it. */
  cookie: string;
  setCookie: string;
  call(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }>;
}

let names = 0;

/** Signs in through the gateway, as the page does. */
async function logIn(username = `gate-${process.pid}-${++names}`): Promise<Visitor> {
  const answer = await fetch(`${origin()}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: origin() },
    body: JSON.stringify({ username, password: 'password123' }),
  });
  expect(answer.status).toBeLessThan(300);
  const { id } = (await answer.json()) as { id: number };
  const setCookie = answer.headers.get('set-cookie') ?? '';
  const cookie = setCookie.split(';')[0]!;
  return {
    id,
    username,
    cookie,
    setCookie,
    async call(path, init = {}) {
      const response = await fetch(origin() + path, {
        ...init,
        headers: { cookie, 'content-type': 'application/json', ...init.headers },
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}

/** A page's socket: with its cookie and its origin. */
async function connect(url: string, { cookie }: Visitor): Promise<ChatSocket> {
  const socket = await ChatSocket.connect(url, { cookie, origin: origin() });
  sockets.push(socket);
  await socket.next('hello');
  await socket.settle();
  return socket;
}

/** Asks for a path as it is written: fetch would tidy it up. */
function ask(path: string, base = origin()): Promise<{ status: number; type: string; body: string }> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('one sign-in', () => {
  test('serves auth, history and all replicas, through the gateway and on the shared port', async () => {
    const ann = await logIn();
    expect(ann.setCookie).toMatch(/^sid=[^;]+;/);
    expect(ann.setCookie).toMatch(/HttpOnly/i);
    expect(ann.setCookie).toMatch(/SameSite=Lax/i);
    expect(await ann.call('/me')).toEqual({ status: 200, body: { id: ann.id, username: ann.username } });
    expect(await ann.call(`/rooms/${ann.id}`)).toEqual({
      status: 200,
      body: [{ id: GENERAL, name: 'General', names: ['General'] }],
    });
    const urls = [ws('/ws'), ws('/replica/1/ws'), ws('/replica/2/ws'), ws('/replica/3/ws')];
    const places = [...urls, `${cluster.sockets.url}/ws`];
    const seen: ChatSocket[] = [];
    for (const url of places) seen.push(await connect(url, ann));
    const hellos = await Promise.all(seen.map((socket) => socket.next('hello')));
    expect(hellos.map(({ user }) => user.id)).toEqual(places.map(() => ann.id));
    expect(hellos.slice(1, 4).map(({ serverId }) => serverId)).toEqual(
      cluster.realtime.map(({ serverId }) => serverId),
    );

    const date = await seen[0]!.say(GENERAL, 'one sign-in');
    for (const socket of seen) await socket.next('message', (message) => message.date === date);
    const { body } = await ann.call('/room/0/messages?size=1');
    expect(body).toMatchObject([{ date, message: 'one sign-in', from: ann.id, roomId: GENERAL }]);
  });

  test('ends everywhere with the logout', async () => {
    const ann = await logIn();
    const open = [
      await connect(ws('/replica/1/ws'), ann),
      await connect(ws('/replica/2/ws'), ann),
      await connect(`${cluster.sockets.url}/ws`, ann),
    ];
    expect((await ann.call('/logout', { method: 'POST' })).status).toBeLessThan(300);
    for (const socket of open) expect((await socket.closed).code).toBe(4401);
    for (const path of ['/me', `/rooms/${ann.id}`, '/room/0/messages', '/users/online']) {
      expect(await ann.call(path)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    }
    const late = await ChatSocket.connect(ws('/ws'), { cookie: ann.cookie });
    expect((await late.closed).code).toBe(4401);
    expect(late.frames).toEqual([]);
  });

  test('does not serve the pages of others: a foreign origin is closed with 4403', async () => {
    const ann = await logIn();
    const socket = await ChatSocket.connect(ws('/ws'), {
      cookie: ann.cookie,
      origin: 'http://evil.example',
    });
    expect((await socket.closed).code).toBe(4403);
    expect(socket.frames).toEqual([]);
  });

  test('cannot be forged', async () => {
    const ann = await logIn();
    const forged = `${ann.cookie.slice(0, -2)}xx`;
    const socket = await ChatSocket.connect(ws('/ws'), { cookie: forged });
    expect((await socket.closed).code).toBe(4401);
    expect(socket.frames).toEqual([]);
    const answer = await fetch(`${origin()}/me`, { headers: { cookie: forged } });
    expect(answer.status).toBe(401);
  });
});

describe('a replica by its number', () => {
  test('serves its own page', async () => {
    for (const [index, { serverId }] of cluster.realtime.entries()) {
      const page = await (await fetch(`${origin()}/replica/${index + 1}/`)).text();
      expect(page).toContain(serverId);
      for (const other of cluster.realtime)
        if (other.serverId !== serverId) expect(page).not.toContain(other.serverId);
    }
  });

  test.each(['/replica/9/', '/replica/9/ws', '/replica/0/', '/replica/4/', '/replica/x/', '/replica/-1/'])(
    '%s is a clear 404',
    async (path) => {
      const { status, type, body } = await ask(path);
      expect(status).toBe(404);
      expect(type).toContain('application/json');
      expect(JSON.parse(body)).toEqual({
        code: 'not_found',
        message: 'no such replica: they are numbered from 1 to 3',
      });
    },
  );

  test('that does not exist refuses the upgrade with 404', async () => {
    const { cookie } = await logIn();
    await expect(ChatSocket.connect(ws('/replica/9/ws'), { cookie })).rejects.toMatchObject({ status: 404 });
  });
});

describe('what is for the inside', () => {
  const paths = ['/metrics', '/readyz', '/healthz'].flatMap((path) => [
    path,
    `${path}/`,
    `/${path}`,
    `${path}?x=1`,
    `${path};x`,
    `/.${path}`,
    `/x/..${path}`,
    path.toUpperCase(),
    path.replace('e', '%65'),
    `${path}%00`,
    `/%2e${path}`,
    `%2f${path}`,
  ]);
  const pinned = ['/metrics', '/readyz'].flatMap((path) => [
    `/replica/1${path}`,
    `/replica/1/${path}`,
    `/replica/1${path}/`,
    `/replica/1/.${path}`,
    `/replica/1/..${path}`,
    `/replica/1${path.replace('e', '%65')}`,
    `/replica/9${path}`,
  ]);
  const services = ['/rooms/', '/room/', '/users/'].flatMap((folder) => [
    `${folder}..${'/metrics'}`,
    `${folder}%2e%2e/metrics`,
    `${folder}../readyz`,
  ]);

  test.each([...paths, ...pinned, ...services])('%s does not show through the front', async (path) => {
    const { status, body } = await ask(path);
    expect(status, body.slice(0, 200)).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(body).not.toMatch(/process_cpu|chat_|"ready"|conditions/);
  });

  test('is there on the ports of the services', async () => {
    for (const { url } of [...cluster.auth, ...cluster.history, ...cluster.realtime]) {
      for (const path of ['/healthz', '/readyz', '/metrics']) {
        expect((await ask(path, url)).status, `${url}${path}`).toBe(200);
      }
    }
    expect((await ask('/metrics', cluster.gateway.statsUrl)).status).toBe(200);
  });
});

describe('a path that nobody has', () => {
  test.each(['/nothing', '/rooms', '/room', '/users/1/x', '/ws/x'])(
    '%s is an error in JSON',
    async (path) => {
      const { status, type, body } = await ask(path);
      expect([401, 404, 405]).toContain(status);
      expect(type).toContain('application/json');
      expect(Object.keys(JSON.parse(body)).sort((a, b) => a.localeCompare(b))).toEqual(['code', 'message']);
    },
  );
});
