import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { docker, dockerAnswers, fail, imageBytes, imageExists, run } from './docker.mjs';
import { gatherApps } from './images-apps.mjs';
import { BASES } from './images-bases.mjs';

// Builds and tags the images of the cluster.
//   npm run images [-- auth history realtime gateway] [--tag 0.1.0]
// Bases: NODE_IMAGE, BASE_IMAGE and HAPROXY_IMAGE name them; by default the public ones where Docker has or reaches
// them, else those of `npm run images:bases`.

const root = fileURLToPath(new URL('..', import.meta.url));
export const TARGETS = ['gateway', 'auth', 'history', 'realtime'];
export const VERSION = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;

/** @param {string} target @param {string} [tag] */
export function imageName(target, tag = VERSION) {
  return `redis-chat/${target}:${tag}`;
}

/**
 * @param {{ only?: string[], tag?: string, log?: (line: string) => void }} [options]
 * @throws Error that says what failed, or what is missing on this machine
 */
export async function buildImages({ only = [], tag = VERSION, log = console.log } = {}) {
  for (const name of only) if (!TARGETS.includes(name)) throw new Error(`no image is called ${name}`);
  if (!dockerAnswers()) throw new Error('no Docker engine answers: start it first');
  const targets = TARGETS.filter((name) => only.length === 0 || only.includes(name));
  const bases = {
    NODE_IMAGE: baseImage('NODE_IMAGE', BASES.node),
    BASE_IMAGE: baseImage('BASE_IMAGE', BASES.debian),
    HAPROXY_IMAGE: baseImage('HAPROXY_IMAGE', BASES.haproxy),
  };
  log(`bases: ${Object.values(bases).join(', ')}`);
  await gatherApps(platformOf(bases.NODE_IMAGE));
  for (const target of targets) buildImage(target, tag, bases, log);
}

/**
 * @param {string} target
 * @param {string} tag
 * @param {Record<string, string>} bases
 * @param {(line: string) => void} log
 */
function buildImage(target, tag, bases, log) {
  const start = performance.now();
  const name = imageName(target, tag);
  const values = {
    ...bases,
    VERSION: tag,
    REVISION: git('rev-parse', 'HEAD'),
    CREATED: git('log', '-1', '--format=%cI'),
  };
  const buildArgs = Object.entries(values).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
  docker(['build', '-f', 'deploy/docker/Dockerfile', '--target', target, '-t', name, ...buildArgs, root], {
    cwd: root,
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  log(`${name} built in ${seconds} s, ${(imageBytes(name) / 1e6).toFixed(0)} MB`);
}

/**
 * @param {string} variable
 * @param {{ publicName: string, localName: string }} base
 */
function baseImage(variable, { publicName, localName }) {
  const given = process.env[variable];
  if (given) return given;
  if (imageExists(publicName)) return publicName;
  if (imageExists(localName)) return localName;
  try {
    docker(['pull', '-q', publicName]);
    return publicName;
  } catch {
    throw new Error(`Docker cannot pull ${publicName}: npm run images:bases makes the base images instead`);
  }
}

/** @param {string} nodeImage */
function platformOf(nodeImage) {
  const print = 'process.stdout.write(process.arch + " " + process.versions.modules)';
  const [arch = '', abi = ''] = docker([
    'run',
    '--rm',
    '--network',
    'none',
    nodeImage,
    'node',
    '-e',
    print,
  ]).split(' ');
  return { arch, abi };
}

/** Of the commit, so that the same sources give the same image. @param {string[]} args */
function git(...args) {
  try {
    return run('git', args, { cwd: root });
  } catch {
    return 'unknown';
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = process.argv.slice(2);
  const at = args.indexOf('--tag');
  const [, tag] = at === -1 ? [] : args.splice(at, 2);
  await buildImages({ only: args, tag }).catch(fail);
}
