import { setPriority } from 'node:os';
import { RequirementError } from '../../scripts/dependencies.mjs';
import { Bench } from './bench.ts';
import { compare } from './compare.ts';
import { drawCurve } from './curve/draw.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { publish } from './publish.ts';
import { RunFolder } from './run-folder.ts';

const options = readArguments();
if (options.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  // What is started from here inherits it.
  if (options.nice !== undefined) setPriority(options.nice);
  const kind = options.curve ? 'curve' : 'bench';
  const folder = new RunFolder(kind);
  const bench = await Bench.prepare(options);
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      bench.log('stopping');
      tellFolder();
      void bench.stop().then(() => process.exit(130));
    });
  }
  try {
    const lost = options.curve ? await drawCurve(bench, folder) : await compare(bench, folder);
    tellFolder();
    if (lost.length > 0) {
      console.error(`bench: something was lost, which does not count\n  ${lost.join('\n  ')}`);
      process.exitCode = 1;
    } else if (options.publish) {
      bench.log(`published as ${publish(kind, folder.path).join(' and ')} in docs`);
    }
  } catch (error) {
    // What was stopped on purpose fails on purpose.
    if (interrupted) return;
    tellFolder();
    if (!(error instanceof RequirementError)) throw error;
    console.error(`bench: ${error.message}`);
    process.exitCode = 1;
  } finally {
    await bench.stop();
  }

  function tellFolder(): void {
    if (folder.written) bench.log(`written to ${folder.path}`);
  }
}

function readArguments(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${(error as Error).message}\n"npm run bench -- --help" says more`);
    process.exit(2);
  }
}
