import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Lifecycle } from './lifecycle.ts';
import { createLogger } from './logger.ts';

function lifecycle(timeoutMs = 10_000) {
  const exits: number[] = [];
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line).msg) };
  const logger = createLogger({ name: 'test', level: 'info', destination });
  return { exits, lines, life: new Lifecycle({ logger, timeoutMs, exit: (code) => exits.push(code) }) };
}

describe('Lifecycle', () => {
  it('runs the steps one after the other in their declared order, then exits with 0', async () => {
    const { life, exits } = lifecycle();
    const ran: string[] = [];
    life.onShutdown('slow', async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      ran.push('slow');
    });
    life.onShutdown('fast', () => void ran.push('fast'));
    const ended = life.shutdown('test');
    await ended;
    expect(ran).toEqual(['slow', 'fast']);
    expect(exits).toEqual([0]);
  });

  it('runs them once, however often it is asked', async () => {
    const { life, exits } = lifecycle();
    let runs = 0;
    life.onShutdown('step', () => void runs++);
    await Promise.all([life.shutdown('a'), life.shutdown('b')]);
    await life.shutdown('c');
    expect(runs).toBe(1);
    expect(exits).toEqual([0]);
  });

  it('runs the steps after an error that leaves nothing to do, and exits with 1', async () => {
    const { life, exits, lines } = lifecycle();
    let closed = false;
    life.onShutdown('close', () => {
      closed = true;
    });
    await life.fail('cannot listen', new Error('x'));
    expect(closed).toBe(true);
    expect(lines).toContain('cannot listen');
    expect(exits).toEqual([1]);
  });

  it('goes on after a step that fails, and exits with 1', async () => {
    const { life, exits, lines } = lifecycle();
    let closed = false;
    life.onShutdown('bad', () => Promise.reject(new Error('x')));
    life.onShutdown('close', () => {
      closed = true;
    });
    await life.shutdown('test');
    expect(closed).toBe(true);
    expect(lines).toContain('shutdown step failed');
    expect(exits).toEqual([1]);
  });

  it('exits with 1 when a step hangs until the deadline', async () => {
    const { life, exits, lines } = lifecycle(30);
    let release = () => {};
    life.onShutdown('hang', () => new Promise<void>((resolve) => (release = resolve)));
    const ended = life.shutdown('test');
    await expect.poll(() => exits).toEqual([1]);
    expect(lines).toContain('shutdown took too long');
    release();
    await ended;
  });
});

describe('Lifecycle of a process', () => {
  it.each([
    ['SIGTERM', 'ends after the steps with 0', ['SIGTERM'], 0, 'step done'],
    ['SIGINT', 'does the same', ['SIGINT'], 0, 'step done'],
    ['a second signal', 'ends at once with 1', ['SIGTERM', 'SIGINT'], 1, 'second signal'],
  ] as const)('%s %s', async (_, __, signals, code, said) => {
    const { child, exited, output, saying } = run(signals.length > 1 ? 'hang' : 'wait');
    await saying('started');
    for (const signal of signals) {
      child.kill(signal);
      await saying('shutting down');
    }
    expect(await exited).toEqual([code, null]);
    expect(output()).toContain(said);
  });

  it.each(['throw', 'reject'])('logs an error that nobody caught and ends with 1: %s', async (mode) => {
    const { exited, output } = run(mode);
    expect(await exited).toEqual([1, null]);
    expect(output()).toContain('fatal error');
    expect(output()).toContain('nobody caught this');
  });

  it('outlives a promise that nobody caught when all that it says is that Redis is away', async () => {
    const { child, exited, output, saying } = run('reject redis');
    await saying('Connection is closed.');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(output()).not.toContain('fatal error');
  });
});

function run(mode: string) {
  const script = fileURLToPath(new URL('./testing/lifecycle-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const saying = (words: string) => expect.poll(() => text, { timeout: 20_000 }).toContain(words);
  return { child, exited, output: () => text, saying };
}
