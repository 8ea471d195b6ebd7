import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { docker, dockerAnswers, fail, imageBytes, imageExists, run } from './docker.mjs';

// Makes the base images on a machine that reaches no container registry: Debian by debootstrap, Node from the npm
// package that holds its binary, Redis and HAProxy from Debian's packages. Needs root and debootstrap.
//   npm run images:bases [-- --force]

/** Each base: the public name that the Dockerfile and the tests use by default, and the one that is made here. */
export const BASES = {
  debian: { publicName: 'debian:trixie-slim', localName: 'chat-base/debian:trixie-slim' },
  node: { publicName: 'node:24-trixie-slim', localName: 'chat-base/node:24-trixie-slim' },
  haproxy: { publicName: 'haproxy:3.0', localName: 'chat-base/haproxy:3.0' },
  redis: { publicName: 'redis:8.0', localName: 'chat-base/redis:8.0' },
};

const ARCHITECTURES = ['x64', 'arm64'];

const MAKERS = { debian: makeDebian, node: makeNode, haproxy: makeHaproxy, redis: makeRedis };

/**
 * Makes the base images that are missing, or all of them.
 *
 * @param {{ force?: boolean, log?: (line: string) => void }} [options]
 * @throws Error that says what is missing on this machine
 */
export function makeBases({ force = false, log = console.log } = {}) {
  if (!dockerAnswers()) throw new Error('no Docker engine answers: start it first');
  for (const [name, make] of Object.entries(MAKERS)) {
    const { localName } = BASES[/** @type {keyof typeof BASES} */ (name)];
    if (!force && imageExists(localName)) {
      log(`${localName} is there`);
      continue;
    }
    const start = performance.now();
    const dir = mkdtempSync(join(tmpdir(), 'chat-base-'));
    try {
      make(localName, dir);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    log(`${localName} made in ${seconds} s, ${(imageBytes(localName) / 1e6).toFixed(0)} MB`);
  }
}

/**
 * Debian 13 like its official slim image: the minimal packages and certificates, no documentation, no caches.
 *
 * @param {string} tag
 * @param {string} dir
 */
function makeDebian(tag, dir) {
  if (process.getuid?.() !== 0) throw new Error('making a Debian base needs root: debootstrap runs chroot');
  const system = join(dir, 'system');
  try {
    run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'trixie', system]);
  } catch (error) {
    if (String(error).includes('ENOENT'))
      throw new Error('debootstrap is missing: apt-get install -y --no-install-recommends debootstrap');
    throw error;
  }
  for (const path of ['var/cache/apt', 'var/lib/apt/lists', 'var/log'].map((path) => join(system, path))) {
    for (const entry of readdirSync(path)) rmSync(join(path, entry), { recursive: true, force: true });
  }
  for (const path of ['doc', 'man', 'info', 'locale', 'groff', 'lintian', 'linda']) {
    rmSync(join(system, 'usr/share', path), { recursive: true, force: true });
  }
  run('tar', ['--numeric-owner', '-C', system, '-cf', join(dir, 'system.tar'), '--exclude=./dev/*', '.']);
  docker(['import', '--change', 'CMD ["bash"]', join(dir, 'system.tar'), tag]);
}

/**
 * @param {string} tag
 * @param {string} dir
 */
function makeNode(tag, dir) {
  const npmPackage = `node-linux-${process.arch}@24`;
  run('npm', ['pack', '--silent', npmPackage], { cwd: dir });
  const packed = readdirSync(dir).find((file) => file.endsWith('.tgz'));
  if (!packed) throw new Error(`npm pack ${npmPackage} brought nothing`);
  const context = join(dir, 'context');
  mkdirSync(context);
  run('tar', ['-xzf', join(dir, packed), '-C', context, 'package/bin/node', 'package/LICENSE']);
  const dockerfile = [
    `FROM ${BASES.debian.localName}`,
    'COPY package/bin/node /usr/local/bin/node',
    'COPY package/LICENSE /usr/local/share/licenses/node/LICENSE',
    'RUN node --version',
    'CMD ["node"]',
  ].join('\n');
  docker(['build', '-q', '-t', tag, '-f', '-', context], { input: dockerfile });
}

/** @param {string} tag */
function makeHaproxy(tag) {
  const dockerfile = [
    `FROM ${BASES.debian.localName}`,
    install('haproxy'),
    'STOPSIGNAL SIGUSR1',
    'USER haproxy',
    'CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]',
  ].join('\n');
  docker(['build', '-q', '-t', tag, '-'], { input: dockerfile });
}

/**
 * User and directory are those of the official image; the command is no entrypoint, so that others can replace it.
 *
 * @param {string} tag
 */
function makeRedis(tag) {
  const dockerfile = [
    `FROM ${BASES.debian.localName}`,
    'RUN groupadd -r -g 999 redis && useradd -r -u 999 -g redis redis && mkdir /data && chown redis:redis /data',
    install('redis-server'),
    'WORKDIR /data',
    'VOLUME /data',
    'EXPOSE 6379',
    'USER redis',
    'CMD ["redis-server", "--protected-mode", "no"]',
  ].join('\n');
  docker(['build', '-q', '-t', tag, '-'], { input: dockerfile });
}

/** @param {string} name of a Debian package */
function install(name) {
  const command = `apt-get install -y -qq --no-install-recommends ${name}`;
  return `RUN apt-get update -qq && ${command} && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (!ARCHITECTURES.includes(process.arch)) fail(`no base images are known for ${process.arch}`);
  try {
    makeBases({ force: process.argv.includes('--force') });
  } catch (error) {
    fail(error);
  }
}
