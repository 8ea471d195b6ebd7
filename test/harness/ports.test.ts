import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { freePort, isPortFree } from './ports.ts';

test('free ports are all different and below the range of outgoing connections', async () => {
  const ports = await Promise.all(Array.from({ length: 100 }, () => freePort()));
  expect(new Set(ports).size).toBe(100);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test('a port is free until somebody listens on it, on this address or on all', async () => {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await isPortFree(port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await isPortFree(port)).toBe(true);
  }
});

test('a port that another process was given is free again only when that process has ended', async () => {
  const draw = `import(${JSON.stringify(new URL('./ports.ts', import.meta.url).href)})
    .then(({ freePort }) => freePort())
    .then((port) => { console.log(port); setInterval(() => undefined, 1000); })`;
  const other = spawn(process.execPath, ['--import', 'tsx', '--eval', draw], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(other, 'exit');
  onTestFinished(() => void other.kill('SIGKILL'));
  const port = Number(String((await once(other.stdout, 'data'))[0]));
  expect(await isPortFree(port)).toBe(true);

  const random = vi.spyOn(Math, 'random');
  onTestFinished(() => random.mockRestore());
  const drawn = (port - 12_000 + 0.5) / 20_000;
  random.mockReturnValueOnce(drawn);
  expect(await freePort()).not.toBe(port);
  other.kill('SIGKILL');
  await ended;
  random.mockReturnValueOnce(drawn);
  expect(await freePort()).toBe(port);
});
