import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that is not an npm package, and the name of its package for each package manager. */
const PACKAGES = {
  'redis-server': { 'apt-get': 'redis-server', dnf: 'redis', apk: 'redis', brew: 'redis' },
  haproxy: { 'apt-get': 'haproxy', dnf: 'haproxy', apk: 'haproxy', brew: 'haproxy' },
  chromium: { 'apt-get': 'chromium', dnf: 'chromium', apk: 'chromium', brew: 'chromium' },
} as const;

export type Program = keyof typeof PACKAGES;
type Manager = keyof (typeof PACKAGES)[Program];

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

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The program is not here and may not be installed; the message says what the user can do. */
export class ProgramMissingError extends Error {}

/**
 * The full path of a program; installs it through the system's package manager when it is missing and this
 * user may (root, or sudo without a password, or Homebrew). Throws ProgramMissingError otherwise.
 */
export async function ensureProgram(
  name: Program,
  log: (line: string) => void = console.log,
): Promise<string> {
  const found = findProgram(name);
  if (found) return found;
  const manager = (Object.keys(INSTALL) as Manager[]).find((candidate) => findProgram(candidate));
  if (!manager) throw new ProgramMissingError(`${name} is not installed: install it and try again`);
  const prefix = privilege(manager);
  const packageName = PACKAGES[name][manager];
  const advice = `${name} is not installed: run "sudo ${manager} ${installWord(manager)} ${packageName}" and try again`;
  if (!prefix) throw new ProgramMissingError(manager === 'brew' ? advice.replace('sudo ', '') : advice);

  log(`${name}: installing with ${manager}`);
  const steps = INSTALL[manager];
  for (const [index, step] of steps.entries()) {
    const last = index === steps.length - 1;
    const [command, ...args] = [...prefix, ...step, ...(last ? [packageName] : [])];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const result = spawnSync(command as string, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    // A stale package list may still do, so only the last step decides.
    if (last && result.status !== 0) {
      throw new ProgramMissingError(
        `${advice} (it failed here: ${result.stderr?.toString().trim().split('\n').at(-1)})`,
      );
    }
  }
  const installed = findProgram(name);
  if (!installed) throw new ProgramMissingError(`${packageName} was installed, but brought no ${name}`);
  return installed;
}

function installWord(manager: Manager): string {
  return manager === 'apk' ? 'add' : 'install';
}

/** What the package manager has to be called with, or undefined when this user may not install. */
function privilege(manager: Manager): string[] | undefined {
  if (manager === 'brew' || process.getuid?.() === 0) return [];
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 5000 });
  return sudo.status === 0 ? ['sudo', '-n'] : undefined;
}
