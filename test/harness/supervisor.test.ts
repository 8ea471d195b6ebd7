import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { type Child, startChild } from './child.ts';
import { type Restartable, Supervisor } from './supervisor.ts';

const dir = mkdtempSync(join(tmpdir(), 'chat-supervisor-test-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** A real process that does nothing until it is ended. */
class Sleeper implements Restartable {
  readonly name = 'sleeper';
  readonly lastLog = 'its last line';
  starts = 0;
  /** How many of the next starts fail. */
  failures = 0;
  #child: Child | undefined;

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get running(): boolean {
    return this.#child?.running() ?? false;
  }

  get exited() {
    return this.#child?.exited;
  }

  async start(): Promise<void> {
    this.starts++;
    if (this.failures-- > 0) throw new Error('not yet');
    this.#child = await startChild({
      name: this.name,
      command: 'sleep',
      args: ['600'],
      logFile: join(dir, 'log'),
    });
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
}

function supervised(restart: boolean) {
  const lines: string[] = [];
  let changes = 0;
  const onChange = () => {
    changes++;
  };
  const supervisor = new Supervisor({ restart, log: (line) => lines.push(line), onChange });
  return { supervisor, lines, changes: () => changes, sleeper: new Sleeper() };
}

async function eventually(check: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!check()) {
    if (Date.now() > deadline) throw new Error('it did not come true within 20 s');
    await sleep(20);
  }
}

test('what ends unexpectedly is told with its last lines and started again, also after failed tries', async () => {
  const { supervisor, sleeper, lines, changes } = supervised(true);
  await supervisor.start(sleeper);
  const first = sleeper.pid;
  sleeper.failures = 1;
  sleeper.kill('SIGKILL');
  await eventually(() => lines.some((line) => line.startsWith('sleeper is back')));
  expect(lines[0]).toBe('sleeper ended unexpectedly (SIGKILL); its last lines:\n  its last line');
  expect(lines[1]).toMatch(/^sleeper did not come back, next try in 1000 ms: not yet/);
  expect(sleeper.pid).not.toBe(first);
  expect(changes()).toBe(2);
  supervisor.end();
  await sleeper.stop();
});

test('an end that is meant is neither told nor undone', async () => {
  const { supervisor, sleeper, lines } = supervised(true);
  await supervisor.start(sleeper);
  supervisor.expectEnd(sleeper);
  await sleeper.stop();
  await sleep(700);
  expect({ starts: sleeper.starts, lines }).toEqual({ starts: 1, lines: [] });

  await supervisor.start(sleeper);
  sleeper.kill('SIGKILL');
  await eventually(() => sleeper.starts === 3 && sleeper.running);
  supervisor.end();
  await sleeper.stop();
  await sleep(700);
  expect(sleeper.starts).toBe(3);
});

test('without restart an unexpected end is told, and that is all', async () => {
  const { supervisor, sleeper, lines } = supervised(false);
  await supervisor.start(sleeper);
  sleeper.kill('SIGKILL');
  await eventually(() => lines.length === 1);
  await sleep(700);
  expect(sleeper.starts).toBe(1);
});
