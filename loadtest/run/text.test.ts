import { expect, test } from 'vitest';
import type { ProcessFigures } from './record.ts';
import { processLines } from './text.ts';

function figures(name: string): ProcessFigures {
  const cpu = { cpuSeconds: 1, cpuMean: 1, cpuMax: 1 };
  return { name, replica: false, ...cpu, residentFirst: 1, residentMax: 1, residentLast: 1 };
}

test('where nothing but k6 is looked at, it says what tells more', () => {
  expect(processLines([figures('k6')]).join('\n')).toMatch(/k6.*100 %[\s\S]*METRICS_URLS/);
  expect(processLines([]).join('\n')).toContain('METRICS_URLS');
  expect(processLines([figures('10.0.0.1:3000'), figures('k6')]).join('\n')).not.toContain('METRICS_URLS');
});
