import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What is not an npm package: the package that brings it, by package manager, and an image that can stand in. */
const PROGRAMS: Record<Program, Record<Manager, string> & { image?: string }> = {
  'redis-server': { ...everywhere('redis'), 'apt-get': 'redis-server', image: 'redis:7-alpine' },
  haproxy: { ...everywhere('haproxy'), image: 'haproxy:3.0-alpine' },
  chromium: everywhere('chromium'),
};

export type Program = 'redis-server' | 'haproxy' | 'chromium';
type Manager = 'apt-get' | 'dnf' | 'apk' | 'brew';

function everywhere(name: string): Record<Manager, string> {
  return { 'apt-get': name, dnf: name, apk: name, brew: name };
}

/** How a program is started: its path, or `docker run …` up to the program's own arguments. */
export interface Launcher {
  command: string;
  args: string[];
  kind: 'path' | 'docker';
}

interface ContainerNeeds {
  /** Directories that the program reads or writes, under the same path inside the container. */
  directories: string[];
  /** Names of environment variables that are handed on. */
  env?: string[];
}

/** The program is not here and cannot be had; the message says in one line what the user can do. */
export class ProgramMissingError extends Error {
  override readonly name = 'ProgramMissingError';
}

const INSTALL: Record<Manager, string[][]> = {
  'apt-get': [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends'],
  ],
  dnf: [['dnf', 'install', '-y', '-q']],
  apk: [['apk', 'add', '--no-cache']],
  brew: [['brew', 'install']],
};

/** Debian keeps haproxy in sbin, which a user's PATH often lacks; Homebrew has its own prefix. */
const MORE_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/opt/homebrew/bin', '/usr/local/bin'];

/** The full path of a program, looked up in PATH and the usual system directories. */
export function findProgram(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...MORE_DIRECTORIES];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

/**
 * Finds a program: in PATH, else installed by the system's package manager where this user may (root, sudo
 * without a password, or Homebrew), else in a container with the host's network.
 *
 * @throws ProgramMissingError when none of these works
 */
export function launcher(
  program: Program,
  needs: ContainerNeeds,
  log: (line: string) => void = console.log,
): Launcher {
  const path = findProgram(program) ?? install(program, log);
  if (path) return { command: path, args: [], kind: 'path' };
  if (!PROGRAMS[program].image || !dockerAnswers()) throw new ProgramMissingError(advice(program));
  log(`${program}: not installed, using the image ${PROGRAMS[program].image}`);
  return { command: 'docker', args: dockerRun(program, needs), kind: 'docker' };
}

/** Whether the program is installed now, or could be. */
export function ensureInstalled(program: Program, log: (line: string) => void = console.log): boolean {
  return (findProgram(program) ?? install(program, log)) !== undefined;
}

/**
 * The arguments of docker up to those of the program. `docker run` in the foreground hands signals on; --init, because
 * HAProxy leaves SIGTERM to its default, which the first process of a container does not have.
 */
export function dockerRun(program: Program, { directories, env = [] }: ContainerNeeds): string[] {
  const user = process.getuid ? ['--user', `${process.getuid()}:${process.getgid?.()}`] : [];
  return [
    ...['run', '--rm', '--init', '--network', 'host', ...user],
    ...directories.flatMap((directory) => ['--volume', `${directory}:${directory}`]),
    ...env.flatMap((name) => ['--env', name]),
    ...['--entrypoint', program, PROGRAMS[program].image ?? ''],
  ];
}

function install(program: Program, log: (line: string) => void): string | undefined {
  const manager = packageManager();
  const prefix = manager && privilege(manager);
  if (!manager || !prefix) return undefined;
  log(`${program}: installing with ${manager}`);
  for (const [index, step] of INSTALL[manager].entries()) {
    const last = index === INSTALL[manager].length - 1;
    const [command, ...args] = [...prefix, ...step, ...(last ? [PROGRAMS[program][manager]] : [])];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const result = spawnSync(command as string, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    // A stale package list may still do, so only the last step decides.
    if (last && result.status !== 0) log(`${program}: ${manager} failed: ${lastLine(result.stderr)}`);
  }
  return findProgram(program);
}

function advice(program: Program): string {
  const manager = packageManager();
  if (!manager) return `${program} is not installed: install it and try again`;
  const sudo = manager === 'brew' ? '' : 'sudo ';
  const word = manager === 'apk' ? 'add' : 'install';
  return `${program} is not installed: run "${sudo}${manager} ${word} ${PROGRAMS[program][manager]}" and try again`;
}

function packageManager(): Manager | undefined {
  return (Object.keys(INSTALL) as Manager[]).find((manager) => findProgram(manager));
}

/** What the package manager has to be called with, or undefined when this user may not install. */
function privilege(manager: Manager): string[] | undefined {
  if (manager === 'brew' || process.getuid?.() === 0) return [];
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 5000 });
  return sudo.status === 0 ? ['sudo', '-n'] : undefined;
}

function dockerAnswers(): boolean {
  return spawnSync('docker', ['version'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function lastLine(output: Buffer | null): string {
  return (output?.toString() ?? '').trim().split('\n').at(-1) ?? '';
}
