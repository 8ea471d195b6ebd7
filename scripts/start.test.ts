import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../test/harness/ports.ts';

const START = fileURLToPath(new URL('./start.mjs', import.meta.url));
const NOBODY = 65_534;

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'chat-start-test-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Runs start.mjs, which is expected to refuse; resolves with its code and what it printed. */
async function refusal(env: Record<string, string>, args: string[] = [], uid?: number) {
  const ports = { PORT: String(await freePort()), SOCKET_PORT: String(await freePort()) };
  const child = spawn(process.execPath, [START, ...args], {
    env: { ...process.env, ...ports, DATA_DIR: join(dir, 'data'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    uid,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code, lines: output.trimEnd().split('\n') };
}

describe('npm start refuses in one line', () => {
  test.each([
    ['LIMITS', 'maybe', /^LIMITS: expected true, false, on, off, 1 or 0, got "maybe"$/],
    ['DRAIN_RATE', '0', /^DRAIN_RATE: expected a whole number, at least 1, got "0"$/],
    ['REPLICA', '5', /^REPLICA: unknown; did you mean REPLICAS\?/],
    ['ALLOW_ORIGINS', 'x', /^ALLOW_ORIGINS: unknown; did you mean ALLOWED_ORIGINS\?/],
    ['npm_config_replicas', '5', /^--replicas: npm start takes no such flag; set REPLICAS=… before it/],
    ['DATA_DIR', '/proc/chat/data', /^DATA_DIR: \/proc\/chat\/data cannot be used \(ENOENT.*DATA_DIR=…/],
  ])('the variable %s=%s', async (name, value, line) => {
    expect(await refusal({ [name]: value })).toEqual({ code: 1, lines: [expect.stringMatching(line)] });
  });

  test.each([
    ['--hepl', /^--hepl: npm start takes no such flag; did you mean --help\?$/],
    ['--port=9000', /^--port: npm start takes no such flag; set PORT=… before it/],
    ['--frobnicate', /^--frobnicate: npm start takes no such flag; npm start -- --help lists/],
    ['9000', /^9000: npm start takes no such argument/],
  ])('the argument %s', async (arg, line) => {
    expect(await refusal({}, [arg])).toEqual({ code: 1, lines: [expect.stringMatching(line)] });
  });

  test.runIf(process.getuid?.() === 0)('a folder in which the user may not write', async () => {
    chmodSync(dir, 0o755);
    const { code, lines } = await refusal({}, [], NOBODY);
    const line = /^DATA_DIR: .*\/data cannot be used \(EACCES: .*DATA_DIR=…/;
    expect({ code, lines }).toEqual({ code: 1, lines: [expect.stringMatching(line)] });
  });

  test.runIf(process.getuid?.() === 0 && firstUnprivilegedPort() > 80)(
    'a port that the user may not have, apart from one in use',
    async () => {
      const { code, lines } = await refusal({ PORT: '80' }, [], NOBODY);
      const line = /^PORT: this user may not listen on port 80 \(EACCES\)/;
      expect({ code, lines }).toEqual({ code: 1, lines: [expect.stringMatching(line)] });
    },
  );
});

function firstUnprivilegedPort(): number {
  return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
}
