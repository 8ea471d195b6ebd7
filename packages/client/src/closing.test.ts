import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { general, Peer } from '../test/peer.ts';

const program = fileURLToPath(new URL('../test/closing-program.ts', import.meta.url));

/** Runs the program until it ends, at most 20 s; resolves with what it printed. */
function run(url: string, state: string): Promise<{ lines: string[]; ended: boolean }> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, url, state], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ lines: output.split('\n').filter(Boolean).sort(), ended: code === 0 });
    });
  });
}

test('a process ends after close() while connected, even if the peer does not answer the closing', async () => {
  const peer = await Peer.start();
  const result = run(peer.url, 'online');
  const visit = await peer.visit();
  visit.hello([general(5)]);
  // Something is missing, asked for, and timed.
  visit.message(8, 7);
  await visit.take('room.join');
  await visit.take('message');
  await visit.take('resume');
  visit.message(6, 5);
  visit.pause();
  // The one timer is that of ws, for the answer.
  expect(await result).toEqual({ lines: ['closed', 'closed', 'idle with 1 timers'], ended: true });
});

test.each(['waiting', 'connecting'])('a process ends after close() while %s', async (state) => {
  const peer = await Peer.start();
  if (state === 'waiting') peer.refusal = { status: 503, body: {} };
  else peer.silent = true;
  expect(await run(peer.url, state)).toEqual({
    lines: ['closed', 'closed', 'idle with 0 timers'],
    ended: true,
  });
});
