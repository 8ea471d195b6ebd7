import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Gateway, renderBackends, startGateway } from './gateway.ts';
import { launcher } from './programs.ts';

/** What the servers behind the gateway of this test answer: who they are, and what reached them. */
interface Seen {
  server: string;
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

class Upstream {
  readonly name: string;
  ready: boolean = true;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;

  constructor(name: string) {
    this.name = name;
    this.#server = createServer(async (request, response) => {
      if (request.url === '/readyz') {
        response.writeHead(this.ready ? 200 : 503).end();
        return;
      }
      let body = '';
      for await (const chunk of request) body += chunk;
      const seen = { server: name, method: request.method, url: request.url, headers: request.headers, body };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(seen));
    });
    this.#sockets = new WebSocketServer({ server: this.#server });
    this.#sockets.on('connection', (socket, request) => {
      socket.send(`${name} ${request.url}`);
      socket.on('message', (data) => socket.send(String(data)));
    });
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}

const dir = mkdtempSync(join(tmpdir(), 'chat-gateway-test-'));
const auth = new Upstream('auth-1');
const history = new Upstream('history-1');
const replicas = [1, 2, 3].map((n) => new Upstream(`realtime-${n}`));
const ports: number[] = [];
let gateway: Gateway;

beforeAll(async () => {
  for (const replica of replicas) ports.push(await replica.listen());
  const backends = { auth: [await auth.listen()], history: [await history.listen()], realtime: ports };
  gateway = await startGateway({ backends, dir, env: { TRUSTED_PROXIES: '127.0.0.2/32 10.0.0.0/8' } });
});

afterAll(async () => {
  await gateway.stop();
  for (const upstream of [auth, history, ...replicas]) await upstream.close();
  rmSync(dir, { recursive: true });
});

async function get(path: string, init: RequestInit = {}): Promise<Seen> {
  const response = await fetch(gateway.url + path, init);
  expect(response.status).toBe(200);
  return (await response.json()) as Seen;
}

/** Sends bytes as they are, which fetch would refuse; returns the answer up to the end of its JSON or of all. */
async function raw(request: string, localAddress = '127.0.0.1'): Promise<string> {
  const socket = createConnection({ host: '127.0.0.1', port: gateway.port, localAddress });
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
    if (answer.endsWith('}')) socket.destroy();
  });
  socket.write(request);
  await once(socket, 'close');
  return answer;
}

async function opened(path: string): Promise<[WebSocket, string]> {
  const socket = new WebSocket(gateway.url.replace('http', 'ws') + path);
  const [first] = await once(socket, 'message');
  return [socket, String(first)];
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error('it did not come true within 20 s');
    await sleep(50);
  }
}

test('PUBLIC_PROTO says what clients speak where nothing before the gateway can', async () => {
  const backends = { auth: [ports[0]!], history: [ports[0]!], realtime: ports };
  const other = await startGateway({
    backends,
    dir: mkdtempSync(join(dir, 'proto-')),
    env: { PUBLIC_PROTO: 'https' },
  });
  try {
    const { headers } = (await (await fetch(`${other.url}/me`)).json()) as Seen;
    expect(headers['x-forwarded-proto']).toBe('https');
  } finally {
    await other.stop();
  }
});

describe('routing by path', () => {
  test.each(['/register', '/login', '/logout', '/password', '/sessions', '/me', '/randomname', '/links'])(
    '%s goes to auth',
    async (path) => {
      expect((await get(path)).server).toBe('auth-1');
    },
  );

  test.each([
    ['/rooms'],
    ['/rooms/1'],
    ['/room'],
    ['/room/0/messages?offset=0&size=5'],
    ['/users?ids[]=1'],
    ['/users/online'],
  ])('%s goes to history as it is', async (path) => {
    expect(await get(path)).toMatchObject({ server: 'history-1', url: path });
  });

  test.each(['/', '/assets/app.js', '/replicas', '/stream', '/login/x', '/roomsy', '/usersx'])(
    '%s goes to a replica',
    async (path) => {
      expect((await get(path)).server).toMatch(/^realtime-/);
    },
  );

  test.each([
    '/metrics',
    '/healthz',
    '/readyz',
    '//metrics',
    '/readyz/',
    '/replica/1/metrics',
    '/replica/1/readyz',
  ])('%s is not reachable from outside', async (path) => {
    const response = await fetch(gateway.url + path);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ code: 'not_found', message: 'not found' });
  });
});

describe('/replica/<n>/', () => {
  test.each([1, 2, 3])('is replica %i, with the prefix taken off', async (n) => {
    for (const path of ['/', '/stream?x=1', '/healthz', '/assets/app.js']) {
      expect(await get(`/replica/${n}${path}`)).toMatchObject({ server: `realtime-${n}`, url: path });
    }
    const [socket, first] = await opened(`/replica/${n}/ws?resume=1`);
    expect(first).toBe(`realtime-${n} /ws?resume=1`);
    socket.close();
  });

  test('finds auth and history below it too', async () => {
    expect(await get('/replica/2/me')).toMatchObject({ server: 'auth-1', url: '/me' });
    expect(await get('/replica/2/rooms/4')).toMatchObject({ server: 'history-1', url: '/rooms/4' });
  });

  test.each(['', '?room=1&x=%20'])('without its slash redirects and keeps the query "%s"', async (query) => {
    const response = await fetch(`${gateway.url}/replica/2${query}`, { redirect: 'manual' });
    expect(response.status).toBe(308);
    expect(response.headers.get('location')).toBe(`/replica/2/${query}`);
  });

  test.each(['4', '0', '01', '99999', 'x', '-1', '2x', ''])(
    'answers 404 for the unknown replica "%s"',
    async (n) => {
      const response = await fetch(`${gateway.url}/replica/${n}/`);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        code: 'not_found',
        message: 'no such replica: they are numbered from 1 to 3',
      });
    },
  );

  test('a replica that is down answers 503 for itself alone, and a new one is taken in', async () => {
    await replicas[1]?.close();
    const response = await fetch(`${gateway.url}/replica/2/`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: 'unavailable' });
    for (let i = 0; i < 6; i++) expect((await get('/')).server).not.toBe('realtime-2');

    const again = new Upstream('realtime-2');
    await again.listen(ports[1]);
    replicas[1] = again;
    await eventually(async () => (await fetch(`${gateway.url}/replica/2/`)).status === 200);

    const fourth = new Upstream('realtime-4');
    replicas.push(fourth);
    await gateway.addReplica(4, await fourth.listen());
    await eventually(async () => (await fetch(`${gateway.url}/replica/4/`)).status === 200);
    expect(await get('/replica/4/x')).toMatchObject({ server: 'realtime-4', url: '/x' });
    await eventually(async () => (await get('/')).server === 'realtime-4');
  });
});

describe('/ws', () => {
  test('goes to the replica with the fewest connections', async () => {
    const sockets: WebSocket[] = [];
    const count = new Map<string, number>();
    for (let i = 0; i < 12; i++) {
      const [socket, first] = await opened('/ws');
      const server = first.split(' ')[0] as string;
      sockets.push(socket);
      count.set(server, (count.get(server) ?? 0) + 1);
    }
    expect(Math.max(...count.values()) - Math.min(...count.values())).toBeLessThanOrEqual(1);
    for (const socket of sockets) socket.close();
  });

  test('an unready replica gets no new sockets and keeps those it has', async () => {
    const first = replicas[0] as Upstream;
    const [socket] = await opened('/replica/1/ws');
    first.ready = false;
    await eventually(async () => {
      const servers = await Promise.all(Array.from({ length: 8 }, () => get('/stream')));
      return servers.every(({ server }) => server !== first.name);
    });
    socket.send('still here');
    const [echo] = await once(socket, 'message');
    expect(String(echo)).toBe('still here');
    socket.close();
    first.ready = true;
    await eventually(async () => (await get('/stream')).server === first.name);
  });

  test('an unready replica still serves the page', async () => {
    for (const replica of replicas) replica.ready = false;
    await eventually(async () => (await fetch(`${gateway.url}/stream`)).status === 503);
    for (const path of ['/', '/replicas', '/icon.svg', '/assets/app.js'])
      expect((await get(path)).server).toMatch(/^realtime-/);
    for (const replica of replicas) replica.ready = true;
    await eventually(async () => (await fetch(`${gateway.url}/stream`)).status === 200);
  });
});

describe('headers', () => {
  test('what a client says about itself is replaced by what the gateway saw', async () => {
    const { headers } = await get('/me', {
      headers: {
        'X-Forwarded-For': '6.6.6.6',
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': 'evil.example',
        Forwarded: 'for=6.6.6.6',
        'X-Real-IP': '6.6.6.6',
      },
    });
    expect(headers['x-forwarded-for']).toBe('127.0.0.1');
    expect(headers['x-forwarded-proto']).toBe('http');
    expect(headers).not.toHaveProperty('x-forwarded-host');
    expect(headers).not.toHaveProperty('forwarded');
    expect(headers).not.toHaveProperty('x-real-ip');
  });

  test('a trusted proxy is believed, and of its addresses the last one', async () => {
    const answer = await raw(
      'GET /me HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6, 9.9.9.9\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n',
      '127.0.0.2',
    );
    const { headers } = JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)) as Seen;
    expect(headers['x-forwarded-for']).toBe('9.9.9.9');
    expect(headers['x-forwarded-proto']).toBe('https');
  });

  test('a sane request id is kept, another one is replaced by a UUID', async () => {
    const kept = await get('/me', { headers: { 'X-Request-Id': 'abc-123' } });
    expect(kept.headers['x-request-id']).toBe('abc-123');
    for (const id of ['with space', 'x'.repeat(65), '"quoted"', '']) {
      const { headers } = await get('/me', { headers: { 'X-Request-Id': id } });
      expect(headers['x-request-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    }
  });

  test('the Host header stays, for the check of the Origin', async () => {
    const { headers } = await get('/me');
    expect(headers.host).toBe(`127.0.0.1:${gateway.port}`);
  });
});

describe('bad requests', () => {
  test('bytes that are no HTTP get 400', async () => {
    expect(await raw('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('too many or too long headers get 400', async () => {
    const many = Array.from({ length: 80 }, (_, i) => `X-H${i}: 1\r\n`).join('');
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\n${many}\r\n`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });

  test('a request that trickles in is ended with 408, and no service sees it', async () => {
    const [headers, body] = await Promise.all([
      raw('GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '),
      raw('POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{'),
    ]);
    expect(headers).toMatch(/^HTTP\/1\.1 408 /);
    expect(body).toMatch(/^HTTP\/1\.1 408 /);
    expect(body).toContain('"code":"bad_request"');
  });
});

describe('operation', () => {
  test('statistics and Prometheus are served on their own port of 127.0.0.1', async () => {
    const metrics = await (await fetch(`${gateway.statsUrl}/metrics`)).text();
    expect(metrics).toContain('haproxy_server_status{proxy="realtime",server="realtime-1"');
    expect(await (await fetch(gateway.statsUrl)).text()).toContain('Statistics Report');
  });

  test('nothing is up: 503 as JSON, with Retry-After', async () => {
    await auth.close();
    await eventually(async () => (await fetch(`${gateway.url}/me`)).status === 503);
    const response = await fetch(`${gateway.url}/me`);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({
      code: 'unavailable',
      message: 'no server is available for this request',
    });
  });

  test('a closed door lets no one in and keeps who is inside', async () => {
    const [socket] = await opened('/ws');
    gateway.closeDoor();
    await eventually(() =>
      fetch(gateway.url).then(
        () => false,
        () => true,
      ),
    );
    socket.send('inside');
    const [echo] = await once(socket, 'message');
    expect(String(echo)).toBe('inside');
    socket.close();
    await gateway.exited;
  });
});

test('the configuration is valid with the example of backends, with nothing else set', () => {
  const config = fileURLToPath(new URL('../../deploy/gateway/', import.meta.url));
  const { command, args } = launcher('haproxy', { directories: [config] });
  const files = ['haproxy.cfg', 'backends.example.cfg'].flatMap((file) => ['-f', join(config, file)]);
  const check = spawnSync(command, [...args, '-c', ...files], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  expect(check.status, check.stderr).toBe(0);
  expect(check.stderr).not.toMatch(/WARNING|ALERT/);
});

test('the backends file lists every server by name', () => {
  const text = renderBackends({ auth: [1], history: [2, 3], realtime: [4] });
  expect(text).toContain('server auth-1 127.0.0.1:1 check');
  expect(text).toContain('server history-2 127.0.0.1:3 check');
  expect(text).toContain('server realtime-1 127.0.0.1:4 check');
  expect(text).toContain('server page-1 127.0.0.1:4 check');
});

test('a port that is taken is an error that shows the log of HAProxy', async () => {
  const taken = new Upstream('taken');
  const port = await taken.listen();
  const options = {
    backends: { auth: [1], history: [1], realtime: [1] },
    dir: mkdtempSync(join(dir, 'taken-')),
    port,
  };
  await expect(startGateway(options)).rejects.toThrow(/haproxy ended while it started:[\s\S]*cannot bind/i);
  await taken.close();
});

test('every line of the log is JSON, also what HAProxy says of itself and of its servers', () => {
  const text = readFileSync(join(dir, 'gateway.log'), 'utf8');
  const lines = text.trimEnd().split('\n');
  expect(text).toMatch(/is DOWN/);
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ name: 'gateway', level: expect.any(Number) });
});
