import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from './build.mjs';

// Gathers what each image holds below /app into .images/<service>/: the bundle, the packages that cannot be bundled
// with the one binary of the image's platform, and for realtime the page.
//   node scripts/images-apps.mjs

const root = fileURLToPath(new URL('..', import.meta.url));
export const APPS_DIR = join(root, '.images');

/** Where a Node process runs: process.arch and process.versions.modules of the image's node. */
const HERE = { arch: process.arch, abi: process.versions.modules };

/**
 * Builds the bundles that are out of date and gathers the apps.
 *
 * @param {{ arch: string, abi: string }} [platform] of the image's node, on Linux with glibc; default: this process
 * @throws Error when a package brings no binary for that platform
 */
export async function gatherApps({ arch, abi } = HERE) {
  await build();
  rmSync(APPS_DIR, { recursive: true, force: true });
  gather('auth', [
    // bcrypt finds its binary through node-gyp-build.
    {
      name: 'bcrypt',
      files: [
        'package.json',
        'bcrypt.js',
        'promises.js',
        'LICENSE',
        `prebuilds/linux-${arch}/bcrypt.glibc.node`,
      ],
    },
    {
      name: 'node-gyp-build',
      from: 'bcrypt',
      files: ['package.json', 'index.js', 'node-gyp-build.js', 'LICENSE'],
    },
  ]);
  gather('history', []);
  gather('realtime', [
    {
      name: 'uWebSockets.js',
      files: ['package.json', 'uws.js', 'ESM_wrapper.mjs', 'LICENSE', `uws_linux_${arch}_${abi}.node`],
    },
  ]);
  cpSync(join(root, 'web/dist'), join(APPS_DIR, 'realtime/web'), { recursive: true, filter: isNoStamp });
}

/**
 * @param {string} service
 * @param {{ name: string, from?: string, files: string[] }[]} packages `from`: the package that depends on it
 */
function gather(service, packages) {
  const app = join(APPS_DIR, service);
  mkdirSync(app, { recursive: true });
  cpSync(join(root, 'services', service, 'dist'), app, { recursive: true, filter: isNoStamp });
  writeFileSync(
    join(app, 'package.json'),
    `${JSON.stringify({ name: `@chat/${service}`, type: 'module' })}\n`,
  );
  for (const { name, from, files } of packages) {
    const source = directoryOf(name, from ? directoryOf(from) : join(root, 'services', service));
    for (const file of files) {
      const path = join(source, file);
      if (!existsSync(path)) throw new Error(`${name} has no ${file}: ${readdirSync(source).join(' ')}`);
      cpSync(path, join(app, 'node_modules', name, file), { recursive: true });
    }
  }
}

/** The build's own note of what it was made from. @param {string} path */
function isNoStamp(path) {
  return basename(path) !== '.build';
}

/**
 * @param {string} name of a package
 * @param {string} from the directory that asks for it
 */
function directoryOf(name, from = join(root, 'services/auth')) {
  const lookups = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  const found = lookups
    .map((path) => join(path, name))
    .find((path) => existsSync(join(path, 'package.json')));
  if (!found) throw new Error(`${name} is not installed: run npm ci`);
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await gatherApps();
}
