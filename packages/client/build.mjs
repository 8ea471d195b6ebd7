import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

// Writes dist/, a package that can be published: one ES module with the protocol inside, and the types of both.

const root = fileURLToPath(new URL('.', import.meta.url));
const dist = join(root, 'dist');
const types = join(dist, 'types');
const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

rmSync(dist, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'src/index.ts')],
  outfile: join(dist, 'index.js'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
});
execFileSync('npx', ['tsc', '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });

for (const file of readdirSync(types, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.d.ts')) continue;
  const path = join(types, file);
  const protocol = relative(dirname(path), join(types, 'protocol/src/index.js'));
  const text = readFileSync(path, 'utf8')
    .replaceAll("'@chat/protocol'", `'${protocol}'`)
    .replace(/(from '\..*)\.ts'/g, "$1.js'");
  writeFileSync(path, text);
}

const exports = { types: './types/client/src/index.d.ts', default: './index.js' };
writeFileSync(
  join(dist, 'package.json'),
  JSON.stringify({ name, version, type: 'module', exports }, null, 2),
);
