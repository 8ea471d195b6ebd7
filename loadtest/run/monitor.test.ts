import { expect, test, vi } from 'vitest';
import { Monitor } from './monitor.ts';
import type { Usage } from './process-probe.ts';
import { figuresOfProcess } from './record.ts';

const INTERVAL_MS = 5;

/** What the monitor makes of a process that tells these figures, one after the other. */
async function watch(...readings: Usage[]) {
  const rest = [...readings];
  const monitor = new Monitor(() => [{ key: 'x', name: 'x', probe: async () => rest.shift() }], INTERVAL_MS);
  monitor.start();
  await vi.waitFor(() => expect(rest).toHaveLength(0), { timeout: 10_000 });
  const [history] = await monitor.stop();
  return history!;
}

function usage(cpuSeconds: number, startedAt = 100): Usage {
  return { cpuSeconds, startedAt, residentBytes: 1 };
}

test('what a restarted process has used since counts, also when it is more than before', async () => {
  const { cpuSeconds } = await watch(usage(0.8), usage(0.9), usage(1.2, 200), usage(1.3, 200));
  expect(cpuSeconds).toBeCloseTo(0.1 + 1.2 + 0.1);
});

test('the mean of the CPU is not above the highest', async () => {
  const { cpuMean, cpuMax } = figuresOfProcess(await watch(usage(1), usage(2), usage(3)));
  expect(cpuMax).toBeGreaterThan(0);
  expect(cpuMean).toBeLessThanOrEqual(cpuMax);
});
