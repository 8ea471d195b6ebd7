import type { Bench } from '../bench.ts';
import { describeMachine } from '../results.ts';
import type { RunFolder } from '../run-folder.ts';
import { measureCurve } from './curve.ts';
import { renderCurveReport } from './report.ts';
import { renderCurve } from './svg.ts';

/**
 * The capacity curve as tables and as a picture, which are written at each point of it.
 *
 * @returns what was lost: the points at which no rate held
 */
export async function drawCurve(bench: Bench, folder: RunFolder, measure = measureCurve): Promise<string[]> {
  const { startedAt } = folder;
  const machine = describeMachine(bench.generatorKind);
  const subtitle = `${machine.cores} cores shared with Redis and the generator`;
  const curve = await measure(bench, (soFar) => {
    folder.save({ startedAt, machine, curve: soFar }, renderCurveReport(soFar));
    if (soFar.knees.length > 0) folder.write('capacity.svg', renderCurve(soFar, subtitle));
  });
  console.log(renderCurveReport(curve));
  return curve.without.map((point) => `${point}: no rate held`);
}
