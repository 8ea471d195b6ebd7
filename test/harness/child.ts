import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { forget, watch } from './guard.ts';

export interface ChildOptions {
  /** What messages call it, for instance "realtime 2". */
  name: string;
  command: string;
  args: string[];
  /** Both output streams are appended to this file. */
  logFile: string;
  /** What a line of its output is in the log. Default: the output goes to the file as it is. */
  logLine?: (line: string) => string;
  env?: NodeJS.ProcessEnv;
  /** When this process dies, the others are stopped before it. */
  stopLast?: boolean;
}

export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A child process whose output goes to a file and whose end is known. */
export interface Child {
  name: string;
  pid: number;
  logFile: string;
  /** Resolves when the process has ended, however that came. */
  exited: Promise<ChildExit>;
  running(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after graceMs; resolves when the process has ended. */
  stop(graceMs?: number): Promise<ChildExit>;
}

/** Starts a program directly, without a shell. Rejects when the program cannot be run at all. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const log = openSync(options.logFile, 'a');
  const output = options.logLine ? 'pipe' : log;
  let child: ChildProcess;
  try {
    child = spawn(options.command, options.args, {
      env: options.env ?? process.env,
      stdio: ['ignore', output, output],
      // A session of its own: Ctrl-C in the terminal reaches the parent alone, which stops all in order.
      detached: true,
    });
  } finally {
    if (!options.logLine) closeSync(log);
  }
  if (options.logLine) writeLines(child, log, options.logLine);
  const exited = new Promise<ChildExit>((resolve) => {
    // With a pipe not before its last line is in the log.
    child.once(options.logLine ? 'close' : 'exit', (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${options.command} cannot be run: ${error.message}`)));
  });
  const pid = child.pid as number;
  watch(pid, options.stopLast ? 'last' : 'first');
  void exited.then(() => forget(pid));

  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    name: options.name,
    pid,
    logFile: options.logFile,
    exited,
    running,
    kill: (signal) => void child.kill(signal),
    async stop(graceMs = 10_000) {
      if (running()) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
  };
}

function writeLines(child: ChildProcess, log: number, logLine: (line: string) => string): void {
  for (const input of [child.stdout, child.stderr]) {
    if (input) createInterface({ input }).on('line', (line) => writeSync(log, `${logLine(line)}\n`));
  }
  child.once('close', () => closeSync(log));
}

/** The last lines of a child's log, for the message that says why it died; empty when there is none. */
export function lastLines(logFile: string, count = 8): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}
