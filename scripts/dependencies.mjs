import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19];

/** A requirement is not met; the message says in one line what to do. */
export class RequirementError extends Error {}

/** The glibc that the binary of uWebSockets.js needs, by the versions of Node for which there is one. */
const GLIBC = new Map([
  [20, [2, 27]],
  [22, [2, 38]],
  [24, [2, 38]],
  [25, [2, 38]],
]);
const NEWER_SYSTEMS = 'Debian 13, Ubuntu 24.04, Fedora 39, RHEL 10 or newer';

/** @typedef {{ node: string, platform: string, glibc: string | undefined }} Machine */

/**
 * Before anything is installed: whether uWebSockets.js has a binary for this Node on this system.
 *
 * @param {Machine} machine
 */
export function checkMachine({ node, platform, glibc } = thisMachine()) {
  if (platform === 'win32') {
    throw new RequirementError('Windows is not supported: run it in WSL 2, with Ubuntu 24.04 or newer');
  }
  const [major = 0] = numbers(node);
  const needed = GLIBC.get(major);
  if (!needed || isOlder(numbers(node), OLDEST_NODE)) {
    throw new RequirementError(
      `Node 20 (20.19 or newer), 22, 24 or 25 is needed, this is ${node}: nodejs.org has them`,
    );
  }
  if (platform !== 'linux') return;
  if (glibc === undefined) {
    throw new RequirementError(
      `this system has no glibc (Alpine Linux?), which uWebSockets.js needs: use ${NEWER_SYSTEMS}`,
    );
  }
  if (!isOlder(numbers(glibc), needed)) return;
  const otherNode = isOlder(numbers(glibc), GLIBC.get(20) ?? [])
    ? ''
    : ', or Node 20, which is out of support';
  throw new RequirementError(
    `Node ${major} needs glibc ${needed.join('.')} here, and this system has ${glibc}: use ${NEWER_SYSTEMS}${otherNode}`,
  );
}

/** @returns {Machine} */
function thisMachine() {
  /** @type {any} */
  const report = process.report.getReport();
  return {
    node: process.versions.node,
    platform: process.platform,
    glibc: report.header.glibcVersionRuntime,
  };
}

/** @param {string} version */
function numbers(version) {
  return version.split('.').map(Number);
}

/**
 * @param {number[]} version
 * @param {number[]} than
 */
function isOlder([major = 0, minor = 0], [thanMajor = 0, thanMinor = 0]) {
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
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
      `${name} does not load on this machine (${reason}): README.md lists the systems that it runs on`,
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
