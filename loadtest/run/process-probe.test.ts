import { expect, test } from 'vitest';
import { parseMetrics, probeMetrics, probePid } from './process-probe.ts';

test('the usage of a process is read from the text of Prometheus', () => {
  const text = [
    '# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.',
    'process_cpu_seconds_total{service="realtime"} 12.5',
    'process_resident_memory_bytes{service="realtime"} 9.3e+07',
    'process_start_time_seconds{service="realtime"} 1764000000',
    'chat_sockets{service="realtime"} 42',
    'chat_sockets_other 7',
  ].join('\n');
  expect(parseMetrics(text)).toEqual({
    ...{ cpuSeconds: 12.5, residentBytes: 93_000_000, startedAt: 1_764_000_000, sockets: 42 },
  });
});

test('a service without sockets tells none, and other text nothing', () => {
  const text = [
    'process_cpu_seconds_total 1',
    'process_resident_memory_bytes 2',
    'process_start_time_seconds 3',
  ].join('\n');
  expect(parseMetrics(text)).toEqual({ cpuSeconds: 1, residentBytes: 2, startedAt: 3 });
  expect(parseMetrics('<html>')).toBeUndefined();
});

test('an address where nothing answers tells nothing', async () => {
  expect(await probeMetrics('http://127.0.0.1:1')).toBeUndefined();
});

test.runIf(process.platform === 'linux')('a process of this machine is looked at directly', () => {
  const usage = probePid(process.pid)!;
  expect(usage.cpuSeconds).toBeGreaterThan(0);
  expect(usage.residentBytes).toBeGreaterThan(10_000_000);
  expect(probePid(process.pid)!.startedAt).toBe(usage.startedAt);
  expect(probePid(process.ppid)!.startedAt).not.toBe(usage.startedAt);
  expect(probePid(2 ** 22 + 1)).toBeUndefined();
});
