import { mkdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bench } from './bench.ts';
import { measureCurve } from './curve/curve.ts';
import { renderCurveReport } from './curve/report.ts';
import { renderCurve } from './curve/svg.ts';
import { losses, targetRows } from './figures.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { renderReport } from './report.ts';
import { describeMachine, type Results } from './results.ts';
import { runSuite } from './suite.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));
const PICTURE = fileURLToPath(new URL('../../docs/images/capacity.svg', import.meta.url));

const options = readArguments();
if (options.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  // What is started from here inherits it.
  if (options.nice !== undefined) setPriority(options.nice);
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
  try {
    const directory = options.curve ? await drawCurve(bench) : await compare(bench);
    bench.log(`written to ${directory}`);
  } catch (error) {
    // What was stopped on purpose fails on purpose.
    if (!interrupted) throw error;
  } finally {
    await bench.stop();
  }
}

/** Everything that was asked for, beside its targets. */
async function compare(bench: Bench): Promise<string> {
  const results: Results = {
    startedAt: new Date().toISOString(),
    machine: describeMachine(bench.generatorKind),
    replicas: options.replicas,
    durationSeconds: options.duration,
    chat: {},
    socketio: {},
  };
  await runSuite(bench, results, () => undefined);
  for (const { what, reach, measured, met } of targetRows(results)) {
    const mark = met === undefined ? ' ' : met ? '+' : '-';
    console.log(`${mark} ${what}\n    ${measured}   (${reach})`);
  }
  const lost = losses(results);
  if (lost.length > 0) {
    console.error(`bench: something was lost, which does not count\n  ${lost.join('\n  ')}`);
    process.exitCode = 1;
  }
  return publish(`${results.startedAt}-bench`, results, renderReport(results));
}

async function drawCurve(bench: Bench): Promise<string> {
  const startedAt = new Date().toISOString();
  const machine = describeMachine(bench.generatorKind);
  const curve = await measureCurve(bench);
  writeFileSync(PICTURE, renderCurve(curve, `${machine.cores} cores shared with Redis and the generator`));
  const report = renderCurveReport(curve);
  console.log(report);
  return publish(`${startedAt}-curve`, { startedAt, machine, curve }, report);
}

function publish(name: string, summary: object, report: string): string {
  const directory = join(RESULTS, name.replace(/[:.]/g, '-'));
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  writeFileSync(join(directory, 'report.md'), report);
  return directory;
}

function readArguments(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    process.exit(2);
  }
}
