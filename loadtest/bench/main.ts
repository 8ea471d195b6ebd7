import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bench } from './bench.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { renderReport, targetRows } from './report.ts';
import { describeMachine, type Results } from './results.ts';
import { runSuite } from './suite.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));

const options = readArguments();
if (options.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const bench = await Bench.prepare(options);
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      bench.log('stopping');
      void bench.stop().then(() => process.exit(130));
    });
  }
  const results: Results = {
    startedAt: new Date().toISOString(),
    machine: describeMachine(bench.generatorKind),
    replicas: options.replicas,
    durationSeconds: options.duration,
    chat: {},
    socketio: {},
  };
  try {
    await runSuite(bench, results);
    if (!interrupted) publish(bench, results);
  } catch (error) {
    // What was stopped on purpose fails on purpose.
    if (!interrupted) throw error;
  } finally {
    await bench.stop();
  }
}

function publish(bench: Bench, results: Results): void {
  const directory = join(RESULTS, `${results.startedAt.replace(/[:.]/g, '-')}-bench`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'summary.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(directory, 'report.md'), renderReport(results));
  for (const { what, reach, measured, met } of targetRows(results)) {
    const mark = met === undefined ? ' ' : met ? '+' : '-';
    console.log(`${mark} ${what}\n    ${measured}   (${reach})`);
  }
  bench.log(`written to ${directory}`);
}

function readArguments(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    process.exit(2);
  }
}
