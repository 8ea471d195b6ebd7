import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Bench } from './bench.ts';
import { compare } from './compare.ts';
import type { Curve, Knee } from './curve/curve.ts';
import { drawCurve } from './curve/draw.ts';
import { readOptions } from './options.ts';
import { publish } from './publish.ts';
import { RunFolder } from './run-folder.ts';

const directory = mkdtempSync(join(tmpdir(), 'compare-test-'));
const bench = await Bench.prepare(readOptions([]));

afterAll(async () => {
  await bench.stop();
  rmSync(directory, { recursive: true, force: true });
});

const text = (folder: RunFolder, name: string) => readFileSync(join(folder.path, name), 'utf8');
const logins = { perSecond: 9, bcryptPerSecond: 10 };

it('what was measured before an error is kept', async () => {
  const folder = new RunFolder('bench', directory);
  const run = compare(bench, folder, async (_bench, results, save) => {
    results.chat.logins = logins;
    save();
    throw new Error('the next measure fails');
  });
  await expect(run).rejects.toThrow('the next measure fails');
  expect(JSON.parse(text(folder, 'summary.json'))).toMatchObject({ chat: { logins } });
  expect(text(folder, 'report.md')).toContain('logins/s');
});

it('a run that has measured nothing yet leaves nothing', async () => {
  const folder = new RunFolder('bench', directory);
  await expect(compare(bench, folder, () => Promise.reject(new Error('no Redis')))).rejects.toThrow();
  expect(folder.written).toBe(false);
  expect(existsSync(folder.path)).toBe(false);
});

const KNEE: Knee = {
  ...{ replicas: 1, members: 10, deliveriesPerSecond: 100_000, messagesPerSecond: 10_000, p99: 90 },
  ...{ cpuPerDelivery: 5, serverCores: 0.9, redisCores: 0.2, generatorCores: 0.5 },
};
const CURVE: Curve = { sockets: 1000, knees: [], without: [], bytesPerSocket: 2000, residentBefore: 1e8 };

it('a curve is drawn at each of its points, and those before an error stay', async () => {
  const folder = new RunFolder('curve', directory);
  const run = drawCurve(bench, folder, async (_bench, save) => {
    save({ ...CURVE, knees: [KNEE] });
    throw new Error('the next point fails');
  });
  await expect(run).rejects.toThrow('the next point fails');
  expect(text(folder, 'capacity.svg')).toContain('100 k');
  expect(text(folder, 'capacity.svg')).not.toContain('NaN');
  expect(text(folder, 'report.md')).toContain('| 1 | 10 | 100,000 |');
});

it('a curve without any knee says so, and there is no picture of it', async () => {
  const folder = new RunFolder('curve', directory);
  const without = ['1 replica, rooms of 10'];
  const lost = await drawCurve(bench, folder, (_bench, save) => {
    save({ ...CURVE, without });
    return Promise.resolve({ ...CURVE, without });
  });
  expect(lost).toEqual(['1 replica, rooms of 10: no rate held']);
  expect(text(folder, 'report.md')).toContain('No rate held: 1 replica, rooms of 10.');
  expect(existsSync(join(folder.path, 'capacity.svg'))).toBe(false);
});

it('published is what the documents take their figures from', () => {
  const folder = new RunFolder('curve', directory);
  folder.save({ curve: CURVE }, 'report');
  folder.write('capacity.svg', '<svg/>');
  const docs = join(directory, 'docs');
  expect(publish('curve', folder.path, docs)).toEqual(['figures/capacity.json', 'images/capacity.svg']);
  expect(JSON.parse(readFileSync(join(docs, 'figures/capacity.json'), 'utf8'))).toEqual({ curve: CURVE });
  expect(readFileSync(join(docs, 'images/capacity.svg'), 'utf8')).toBe('<svg/>');
});
