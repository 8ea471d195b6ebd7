import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Bundles one k6 scenario and what it imports into a single file, as the load test's ConfigMap holds it.
//   node scripts/loadtest-bundle.mjs fanout

const root = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(root, 'deploy/k8s/components/loadtest/dist/scenario.js');

/**
 * @param {string} scenario its name or its file in loadtest/: fanout, 03-fanout or 03-fanout.ts
 * @param {string} [outfile]
 * @throws Error when there is no such scenario
 */
export async function bundleScenario(scenario, outfile = OUTPUT) {
  const wanted = scenario.replace(/^.*\//, '').replace(/\.ts$/, '');
  const file = scenarios().find((each) => each === wanted || each.replace(/^\d+-/, '') === wanted);
  if (!file) throw new Error(`there is no scenario "${scenario}". There are ${scenarios().join(' ')}`);
  const esbuild = await import('esbuild');
  await esbuild.build({
    entryPoints: [join(root, 'loadtest', `${file}.ts`)],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['k6', 'k6/*'],
    logLevel: 'error',
  });
  return outfile;
}

/** The scenarios by name, easiest first. */
export function scenarios() {
  return readdirSync(join(root, 'loadtest'))
    .filter((file) => /^\d+-.*\.ts$/.test(file))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    console.log(`wrote ${await bundleScenario(process.argv[2] ?? '')}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
