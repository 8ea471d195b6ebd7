import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Bundles the services (esbuild) and the page (Vite). What has not changed since its last build is left alone.
//   node scripts/build.mjs [auth|history|realtime|web …] [--force]

const root = fileURLToPath(new URL('..', import.meta.url));
const SERVER_SOURCES = ['packages/protocol/src', 'packages/store/src', 'packages/kit/src'];
const COMMON_INPUTS = ['package-lock.json', 'tsconfig.json', 'scripts/build.mjs'];
const LUA = 'packages/store/src/lua';

/** @type {Record<string, { dir: string, inputs: string[], into: (out: string) => Promise<void> }>} */
const TARGETS = {
  auth: service('auth'),
  history: service('history'),
  realtime: service('realtime'),
  web: { dir: 'web', inputs: ['web', 'packages/client/src', 'packages/protocol/src'], into: bundlePage },
};

/**
 * Builds what is out of date. A build appears in its dist directory whole or not at all, so a failed one leaves
 * the last good one in place, and two builds at the same time do no harm.
 *
 * @param {{ only?: string[], force?: boolean, log?: (line: string) => void }} [options]
 */
export async function build({ only = [], force = false, log = console.log } = {}) {
  for (const name of only) if (!(name in TARGETS)) throw new Error(`nothing to build is called ${name}`);
  for (const [name, target] of Object.entries(TARGETS)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const dist = join(root, target.dir, 'dist');
    const stampFile = join(dist, '.build');
    const stamp = fingerprint([...COMMON_INPUTS, ...target.inputs]);
    if (!force && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) continue;
    const start = performance.now();
    const out = `${dist}.new-${process.pid}`;
    try {
      await target.into(out);
      writeFileSync(join(out, '.build'), stamp);
      replace(dist, out);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
    log(`built ${target.dir} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
}

/** @param {string} name */
function service(name) {
  const dir = `services/${name}`;
  return { dir, inputs: [`${dir}/src`, ...SERVER_SOURCES], into: (out) => bundleService(dir, out) };
}

/**
 * One ES module for Node. uWebSockets.js and bcrypt stay outside: they load binaries from their own directories.
 * The store reads its Lua scripts from lua/ beside itself, which in a bundle is beside main.js.
 *
 * @param {string} dir
 * @param {string} out
 */
async function bundleService(dir, out) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: [join(dir, 'src/main.ts')],
    outfile: join(out, 'main.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['uWebSockets.js', 'bcrypt'],
    sourcemap: true,
    logLevel: 'error',
    // CommonJS dependencies call require and read __dirname; an ES module has neither.
    banner: {
      js: [
        "import { createRequire as __createRequire } from 'node:module';",
        'const require = __createRequire(import.meta.url);',
        "const __filename = new URL(import.meta.url).pathname, __dirname = new URL('.', import.meta.url).pathname;",
      ].join('\n'),
    },
  });
  cpSync(join(root, LUA), join(out, 'lua'), { recursive: true });
}

/** @param {string} out */
async function bundlePage(out) {
  const vite = await import('vite');
  await vite.build({
    root: join(root, 'web'),
    configFile: join(root, 'web/vite.config.ts'),
    build: { outDir: out },
    logLevel: 'error',
  });
}

/**
 * A directory cannot replace another one in one step where it has files in it; the two renames are as near as it
 * gets. The old one goes last, for a process that reads from it now.
 *
 * @param {string} dist
 * @param {string} next
 */
function replace(dist, next) {
  const old = `${dist}.old-${process.pid}`;
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(next, dist);
  rmSync(old, { recursive: true, force: true });
}

/**
 * The hash of the contents, so that a checkout or a copy with other times does not count as a change.
 *
 * @param {string[]} inputs files and directories, relative to the root
 */
function fingerprint(inputs) {
  const hash = createHash('sha256').update(process.version.split('.')[0] ?? '');
  for (const file of inputs.flatMap((input) => files(join(root, input)))) {
    hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/**
 * @param {string} path
 * @returns {string[]} path itself, or the files below it; tests and generated directories left out
 */
function files(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => !/^(node_modules|test|dist.*|.*\.test\.tsx?)$/.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? files(join(path, entry.name)) : [join(path, entry.name)]));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = process.argv.slice(2);
  try {
    await build({ only: args.filter((arg) => !arg.startsWith('--')), force: args.includes('--force') });
  } catch (error) {
    console.error(`build failed: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
}
