import type { Bench } from './bench.ts';
import { losses, targetRows } from './figures.ts';
import { renderReport } from './report.ts';
import { describeMachine, type Results } from './results.ts';
import type { RunFolder } from './run-folder.ts';
import { runSuite } from './suite.ts';

/**
 * Everything that was asked for, beside its targets. Each measure is written as soon as it is there, so that an error in
 * a later one takes nothing away.
 *
 * @returns what this cluster lost, one line a run
 */
export async function compare(bench: Bench, folder: RunFolder, suite = runSuite): Promise<string[]> {
  const { replicas, duration } = bench.options;
  const results: Results = {
    startedAt: folder.startedAt,
    machine: describeMachine(bench.generatorKind),
    replicas,
    durationSeconds: duration,
    chat: {},
    socketio: {},
  };
  await suite(bench, results, () => folder.save(results, renderReport(results)));
  for (const { what, reach, measured, met } of targetRows(results)) {
    const mark = met === undefined ? ' ' : met ? '+' : '-';
    console.log(`${mark} ${what}\n    ${measured}   (${reach})`);
  }
  return losses(results);
}
