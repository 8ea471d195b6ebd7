import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { UsageError } from './args.ts';
import { readSettings } from './settings.ts';
import { findTarget } from './target.ts';

const CLUSTER = {
  gateway: { url: 'http://127.0.0.1:8080', pid: 1 },
  sockets: { url: 'ws://127.0.0.1:8081' },
  realtime: [1, 2].map((n) => ({ serverId: `s${n}`, url: `http://127.0.0.1:300${n}`, pid: n })),
};

let dataDir: string;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'chat-target-'));
  writeFileSync(join(dataDir, 'cluster.json'), JSON.stringify(CLUSTER));
  return () => rmSync(dataDir, { recursive: true });
});

function target(env: NodeJS.ProcessEnv, via?: 'sockets' | 'replicas' | 'gateway') {
  return findTarget(readSettings({ DATA_DIR: dataDir, ...env }), via);
}

test('a local cluster is reached by the port that its replicas share, unless told otherwise', () => {
  const BASE_URL = 'http://127.0.0.1:8080';
  const local = { baseUrl: BASE_URL, local: true };
  expect(target({})).toEqual({
    ...local,
    way: 'sockets',
    env: { BASE_URL, SOCKET_URLS: CLUSTER.sockets.url },
  });
  expect(target({}, 'replicas').env.REPLICA_URLS).toBe('http://127.0.0.1:3001,http://127.0.0.1:3002');
  expect(target({}, 'gateway').env.SOCKET_URLS).toBe('ws://127.0.0.1:8080');
  expect(target({ BASE_URL: 'http://localhost:8080' }).local).toBe(true);
});

test.each(['https://127.0.0.1:8080', 'http://127.0.0.1:9080', 'http://10.0.0.1:8080'])(
  '%s is another cluster than the local one',
  (BASE_URL) => {
    expect(target({ BASE_URL })).toEqual({
      baseUrl: BASE_URL,
      local: false,
      way: 'gateway',
      env: { BASE_URL },
    });
  },
);

test('elsewhere sockets go through the gateway where that is asked for', () => {
  const { env, way } = target({ BASE_URL: 'https://chat.example.org' }, 'gateway');
  expect([way, env.SOCKET_URLS]).toEqual(['gateway', 'wss://chat.example.org']);
});

test.each(['sockets', 'replicas'] as const)('elsewhere the addresses for %s are not known', (via) => {
  expect(() => target({ BASE_URL: 'https://chat.example.org' }, via)).toThrow(UsageError);
});

test('addresses that are given leave no choice', () => {
  const env = { SOCKET_URLS: 'ws://10.0.0.1:8081' };
  expect(target(env)).toMatchObject({ way: 'given', local: true });
  for (const via of ['sockets', 'replicas', 'gateway'] as const) {
    expect(() => target(env, via)).toThrow(/--via .* SOCKET_URLS/);
  }
});

test('a cluster without a shared port is reached through the gateway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chat-target-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'cluster.json'), JSON.stringify({ ...CLUSTER, sockets: undefined }));
  expect(target({ DATA_DIR: directory }).way).toBe('gateway');
  expect(() => target({ DATA_DIR: directory }, 'sockets')).toThrow(UsageError);
});
