import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Redis and HAProxy do not notice that the process which started them died of kill -9. A shell of one
 * megabyte does (guard.sh): it reads our pids from a pipe, and when the pipe closes it stops what is left.
 */
let shell: ChildProcess | undefined;

function tell(line: string): void {
  shell ??= startShell();
  shell.stdin?.write(`${line}\n`);
}

function startShell(): ChildProcess {
  const script = fileURLToPath(new URL('./guard.sh', import.meta.url));
  // Detached: Ctrl-C in the terminal must reach us alone, and the guard has to outlive us.
  const child = spawn('sh', [script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.unref();
  (child.stdin as unknown as { unref?: () => void }).unref?.();
  return child;
}

/** From now on the process is stopped when this one ends without having stopped it; Redis after the others. */
export function watch(pid: number, order: 'first' | 'last'): void {
  tell(`${order === 'last' ? 'last' : '+'} ${pid}`);
}

/** The process has ended: its pid may belong to another one soon. */
export function forget(pid: number): void {
  tell(`- ${pid}`);
}
