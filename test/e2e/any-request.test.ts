import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { GENERAL } from '@chat/protocol';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type Account, createAccount } from '../harness/accounts.ts';
import { ChatSocket } from '../harness/chat-socket.ts';
import { type Cluster, startCluster } from '../harness/cluster.ts';
import { OpenApi } from '../harness/openapi.ts';
import { type RawAnswer, RawHttp } from '../harness/raw-http.ts';
import { codes, ROOT, readText, section, tableRows } from '../integration/docs/markdown.ts';
import { type AnyRequest, anyRequest, bytesOf, METHODS } from './any-request.ts';

const SECONDS = Number(process.env.FUZZ_SECONDS ?? 20);
const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
/** Requests that are under way at the same time. */
const CREW = 25;
/** A request whose end does not come is not answered; a service that hangs is found by what is asked afterwards. */
const SILENCE_MS = 300;
/** What the parsers of HTTP answer before a service sees the request: Node's, uWebSockets.js' and HAProxy's. */
const PARSERS = [400, 408, 413, 414, 417, 431, 501, 505];

const APIS = {
  auth: new OpenApi(new URL('../../services/auth/openapi.yaml', import.meta.url)),
  history: new OpenApi(new URL('../../services/history/openapi.yaml', import.meta.url)),
};
/** The statuses of realtime by path, as its README has them. */
const REALTIME = new Map(
  tableRows(section(readText('services/realtime/README.md'), '# realtime')).flatMap(([request, answer]) =>
    codes(request!)
      .filter((code) => /^(GET )?\//.test(code))
      .map((code) => [code.replace('GET ', ''), Array.from(answer!.matchAll(/\b\d{3}\b/g), Number)] as const),
  ),
);
const PAGE = join(ROOT, 'web/dist');
const FILES = readdirSync(PAGE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `/${relative(PAGE, join(entry.parentPath, entry.name))}`);

let cluster: Cluster;
let redis: Redis;

beforeAll(async () => {
  console.log(`FUZZ_SEED=${SEED}`);
  cluster = await startCluster({
    replicas: 2,
    env: { LIMITS: 'off', BCRYPT_COST: '4', ADMIN_TOKEN: 'a'.repeat(32), LOG_LEVEL: 'warn' },
  });
  redis = new Redis(cluster.redis.url);
});
afterAll(async () => {
  await redis?.quit();
  await cluster?.stop();
});

const services = () => [...cluster.auth, ...cluster.history, ...cluster.realtime];
const pids = () => [...services(), cluster.gateway].map(({ pid }) => pid);

/** Whether all processes are those that were started, and do what they are for. */
async function expectAlive(started: number[]): Promise<void> {
  for (const service of services()) expect(service.running, `${service.name}: ${service.lastLog}`).toBe(true);
  expect(pids()).toEqual(started);
  const account = await createAccount(redis);
  const headers = { authorization: `Bearer ${account.token}` };
  for (const path of ['/me', `/rooms/${account.id}`, '/', '/replica/1/', '/replica/2/'])
    expect((await fetch(cluster.gateway.url + path, { headers })).status, path).toBe(200);
  for (const { url } of cluster.realtime) {
    const socket = await ChatSocket.connect(`${url.replace('http', 'ws')}/ws`, account);
    await socket.next('hello');
    await socket.say(GENERAL, 'still here');
    await socket.close();
  }
}

interface Door {
  name: string;
  url: () => string;
  /** Before each path of the service. */
  prefix: string;
  service: 'auth' | 'history' | 'realtime' | 'plane';
}

const DOORS: Door[] = [
  { name: 'auth', url: () => cluster.auth[0]!.url, prefix: '', service: 'auth' },
  { name: 'auth through the gateway', url: () => cluster.gateway.url, prefix: '', service: 'auth' },
  { name: 'history', url: () => cluster.history[0]!.url, prefix: '', service: 'history' },
  { name: 'history through the gateway', url: () => cluster.gateway.url, prefix: '', service: 'history' },
  { name: 'realtime', url: () => cluster.realtime[0]!.url, prefix: '', service: 'realtime' },
  { name: 'realtime through the gateway', url: () => cluster.gateway.url, prefix: '', service: 'realtime' },
  { name: 'a pinned replica', url: () => cluster.gateway.url, prefix: '/replica/2', service: 'realtime' },
  {
    name: 'the socket plane',
    url: () => cluster.sockets.url.replace('ws:', 'http:'),
    prefix: '',
    service: 'plane',
  },
];

function pathsOf(service: Door['service'], account: Account): string[] {
  if (service === 'realtime') return [...REALTIME.keys(), ...FILES, '/nothing'];
  if (service === 'plane') return ['/ws', '/', '/stream', '/metrics'];
  const paths = APIS[service]
    .operations()
    .map(({ path }) => path.replace('{userId}', String(account.id)).replace('{roomId}', GENERAL));
  return [...new Set([...paths, '/nothing'])];
}

/** An answer in the form that {@link OpenApi.check} reads. */
function parsed({ status, headers, body }: RawAnswer) {
  const json = headers.get('content-type')?.startsWith('application/json') && body !== '';
  return { status, headers: new Headers([...headers]), body: json ? JSON.parse(body) : body };
}

function expectDocumented({ service }: Door, method: string, path: string, answer: RawAnswer): void {
  const said = `${method} ${path}: ${answer.status} ${answer.body.slice(0, 200)}`;
  if (service === 'auth' || service === 'history') {
    if (method === 'HEAD') return;
    const check = () => APIS[service].check(method, path, parsed(answer));
    expect(check, said).not.toThrow();
    return;
  }
  if (method !== 'GET' && method !== 'HEAD') {
    expect(answer.status, said).toBe(service === 'plane' ? 404 : 405);
    if (service !== 'plane') expect(answer.headers.get('allow'), said).toBe('GET, HEAD');
    return;
  }
  const documented = service === 'plane' ? [400, 404] : (REALTIME.get(path) ?? [200, 404]);
  expect(documented, said).toContain(answer.status);
}

describe.each(DOORS)('$name', (door) => {
  test.each(METHODS)('answers %s of each path as documented, and lives', async (method) => {
    const started = pids();
    for (const path of pathsOf(door.service, await createAccount(redis))) {
      const account = await createAccount(redis);
      const body = method === 'GET' || method === 'HEAD' ? '' : '{}';
      const request: AnyRequest = {
        method,
        target: door.prefix + path.replace(/(?<=^\/rooms\/)\d+$/, String(account.id)),
        headers: [
          ['Host', 'chat'],
          ['Authorization', `Bearer ${account.token}`],
          ...(body === '' ? [] : [['Content-Type', 'application/json'] as const]),
        ],
        body,
        framing: body === '' ? 'none' : 'length',
      };
      const connection = await RawHttp.connect(door.url());
      try {
        const ask = async (asked: AnyRequest) => {
          connection.send(bytesOf(asked));
          // A stream does not end.
          return await connection.read(asked.method === 'HEAD' || path === '/stream', 10_000);
        };
        const answer = await ask(request);
        if (!answer) {
          // Node closes the connection of a CONNECT that nobody listens to.
          expect(method, `${path} is not answered`).toBe('CONNECT');
          continue;
        }
        expect(answer.status, `${method} ${path}: ${answer.body}`).toBeLessThan(500);
        // A probe shows on the service's own port alone; what HAProxy does not take it answers itself.
        const gateway = door.url() === cluster.gateway.url;
        if (gateway && (method === 'CONNECT' || /^\/(healthz|readyz|metrics|admin)/.test(path))) continue;
        if (PARSERS.includes(answer.status) && ['CONNECT', 'BREW'].includes(method)) continue;
        if (method !== 'HEAD') expectDocumented(door, method, path, answer);
        else if (path !== '/stream')
          expect((await ask({ ...request, method: 'GET' }))?.status).toBe(answer.status);
      } finally {
        connection.close();
      }
    }
    await expectAlive(started);
  });
});

it('lives whatever comes, and answers nothing with a fault of its own', async () => {
  const started = pids();
  const accounts = await Promise.all(Array.from({ length: 4 }, () => createAccount(redis)));
  const request = fc.constantFrom(...DOORS).chain((door) => {
    const paths = pathsOf(door.service, accounts[0]!).map((path) => door.prefix + path);
    const tokens = accounts.map(({ token }) => token);
    return fc.tuple(fc.constant(door), anyRequest(paths, tokens));
  });
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: CREW }), async (requests) => {
      await Promise.all(
        requests.map(async ([door, asked]) => {
          const connection = await RawHttp.connect(door.url());
          connection.send(bytesOf(asked));
          const answer = await connection.read(asked.method === 'HEAD', SILENCE_MS);
          connection.close();
          if (!answer) return;
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          const fault = answer.status >= 500 && !PARSERS.includes(answer.status);
          expect(fault, `${door.name}: ${answer.status} ${answer.body}`).toBe(false);
          // What a service answered itself, and not the parser before it.
          if ((door.service === 'auth' || door.service === 'history') && answer.headers.has('x-request-id'))
            expectDocumented(door, asked.method, asked.target, answer);
        }),
      );
      for (const service of services()) expect(service.running, service.lastLog).toBe(true);
    }),
    {
      seed: SEED,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: SECONDS * 1000,
      markInterruptAsFailure: false,
    },
  );
  console.log('answers by status:', Object.fromEntries(statuses));
  expect(statuses.get(200)).toBeGreaterThan(0);
  await expectAlive(started);
});
