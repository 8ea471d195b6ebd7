import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19];

/** A requirement is not met; the message says in one line what to do. */
export class RequirementError extends Error {}

export function checkNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new RequirementError(
    `Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${version}: nodejs.org has it`,
  );
}

/**
 * Installs what package-lock.json asks for, when node_modules is missing or holds something else.
 *
 * @param {(line: string) => void} log
 */
export function installDependencies(log = console.log) {
  if (installed(readLock('package-lock.json'), readLock('node_modules/.package-lock.json'))) return;
  log('installing npm dependencies, once: a minute or two, since uWebSockets.js alone is 250 MB');
  const start = Date.now();
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const [command, before] = npm && /\.c?js$/.test(npm) ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(command, [...before, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (result.status !== 0) throw new RequirementError('"npm ci" failed: see the lines above');
  log(`installed npm dependencies in ${((Date.now() - start) / 1000).toFixed(0)} s`);
}

/**
 * Loads the two modules that bring a binary, in a process of its own, since one that does not fit the machine can
 * end the process.
 */
export function checkNativeModules() {
  for (const name of ['uWebSockets.js', 'bcrypt']) {
    const script = `import(${JSON.stringify(name)}).then(() => process.exit(0))`;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      encoding: 'utf8',
    });
    if (result.status === 0) continue;
    const reason =
      /^.*(GLIBC|Error:|supported).*$/m.exec(result.stderr)?.[0]?.trim() ?? `signal ${result.signal}`;
    throw new RequirementError(
      `${name} does not load on this machine (${reason}). Its binaries for Node 20 need glibc 2.27, those for newer ` +
        'versions of Node need glibc 2.38 (Debian 13, Ubuntu 24.04); Alpine Linux has no glibc.',
    );
  }
}

/**
 * Whether every package of the lock file is there in its version. Comparing the times of the two files would take
 * a fresh checkout, or an npm install that touches both, for a difference.
 *
 * @typedef {Record<string, { version?: string, optional?: boolean, devOptional?: boolean, link?: boolean }>} Packages
 * @param {Packages | undefined} wanted
 * @param {Packages | undefined} present
 */
export function installed(wanted, present) {
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (!path.startsWith('node_modules/')) return true;
    const there = present[path];
    if (!there) return optional === true;
    return link === true || there.version === version;
  });
}

/**
 * @param {string} file
 * @returns {Packages | undefined}
 */
function readLock(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}
