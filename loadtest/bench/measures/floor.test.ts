import { expect, it } from 'vitest';
import { Bench } from '../bench.ts';
import { readOptions } from '../options.ts';
import { measureFloor } from './floor.ts';

it('the floor is measured with a number of processes that does not divide the sockets', async () => {
  const bench = await Bench.prepare({ ...readOptions([]), duration: 1, warm: 0 });
  try {
    const floor = await measureFloor(bench, 7, 200, 20);
    // Undefined where there is no C compiler.
    expect(floor?.complaints ?? []).toEqual([]);
    expect(floor?.cpuPerSend ?? 1).toBeGreaterThan(0);
  } finally {
    await bench.stop();
  }
});
