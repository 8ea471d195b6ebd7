import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { docker, dockerAnswers, fail, imageExists, run } from './docker.mjs';
import { buildImages, imageName, TARGETS } from './images.mjs';
import { BASES } from './images-bases.mjs';

// The cluster on Kubernetes in this machine's Docker.
//   npm run kind:up      creates it, loads the images, applies the manifests, waits until all is ready
//   npm run kind:down    deletes it with everything in it

const root = fileURLToPath(new URL('..', import.meta.url));
const NAME = 'redis-chat';
const CONTEXT = `kind-${NAME}`;
const NAMESPACE = 'chat';
const OVERLAY = 'deploy/k8s/overlays/kind';

const NEEDED = {
  docker: 'Docker',
  kind: 'kind (https://kind.sigs.k8s.io)',
  kubectl: 'kubectl 1.27 or newer',
};

async function up() {
  need(['docker', 'kind', 'kubectl']);
  if (!dockerAnswers()) throw new Error('no Docker engine answers: start it first');
  await buildImages();
  const existed = clusters().includes(NAME);
  if (existed) {
    step(`the cluster ${NAME} is there`);
  } else {
    step('creating the cluster');
    show('kind', ['create', 'cluster', '--config', 'deploy/kind/cluster.yaml', '--wait', '120s']);
  }
  step('loading the images');
  show('kind', ['load', 'docker-image', '--name', NAME, ...images()]);
  step('applying the manifests');
  kubectl(['apply', '-k', OVERLAY]);
  // The tag stays the same from build to build, so a changed image alone would change no pod.
  if (existed) kubectl(['rollout', 'restart', 'deployment']);
  step('waiting until all is ready');
  for (const workload of ['statefulset/redis', ...TARGETS.map((name) => `deployment/${name}`)]) {
    kubectl(['rollout', 'status', workload, '--timeout=300s']);
  }
  console.log('ready http://localhost:8080 (sockets on ws://localhost:8081)');
}

function down() {
  need(['docker', 'kind']);
  show('kind', ['delete', 'cluster', '--name', NAME]);
}

/** What goes into the nodes: our images, and Redis where this machine has it; else the nodes pull it. */
function images() {
  const ours = TARGETS.map((name) => imageName(name));
  const { publicName, localName } = BASES.redis;
  if (!imageExists(publicName) && imageExists(localName)) docker(['tag', localName, publicName]);
  return imageExists(publicName) ? [...ours, publicName] : ours;
}

function clusters() {
  return run('kind', ['get', 'clusters']).split('\n');
}

/** @param {(keyof typeof NEEDED)[]} programs */
function need(programs) {
  const missing = programs.filter((name) => spawnSync(name, ['version'], { stdio: 'ignore' }).error);
  if (missing.length > 0) throw new Error(`missing: ${missing.map((name) => NEEDED[name]).join(', ')}`);
}

/** @param {string[]} args */
function kubectl(args) {
  show('kubectl', ['--context', CONTEXT, '--namespace', NAMESPACE, ...args]);
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function show(command, args) {
  run(command, args, { quiet: false, cwd: root });
}

/** @param {string} text */
function step(text) {
  console.log(`> ${text}`);
}

const action = { up, down }[process.argv[2] ?? ''];
if (!action) fail('usage: node scripts/kind.mjs up | down');
else
  try {
    await action();
  } catch (error) {
    fail(error);
  }
