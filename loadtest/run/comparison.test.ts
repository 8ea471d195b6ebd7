import { expect, test } from 'vitest';
import { compare, formatChange, formatFigure, loadDifferences } from './comparison.ts';
import type { Figure } from './figures.ts';
import type { RunRecord } from './record.ts';

function run(...figures: Partial<Figure>[]): RunRecord {
  const whole = figures.map((figure) => ({
    label: '',
    unit: 'ms',
    better: 'lower',
    value: 0,
    key: 'k',
    ...figure,
  }));
  const machine = { cpus: 2, model: 'x', memoryBytes: 8 * 2 ** 30 };
  const same = {
    load: {},
    messageBytes: 120,
    way: 'sockets',
    target: 'http://127.0.0.1:8080',
    k6: 'k6 v1.8.1',
  };
  return { figures: whole, ...same, machine } as unknown as RunRecord;
}

function change(before: Partial<Figure>, now: Partial<Figure>) {
  const [only] = compare(run({ ...before, ...now }), run(before));
  return { verdict: only!.verdict, text: formatChange(only!) };
}

test('a tenth more or less is chance', () => {
  expect(change({ value: 100 }, { value: 109 })).toEqual({ verdict: 'same', text: '+9 %' });
  expect(change({ value: 100 }, { value: 91 })).toEqual({ verdict: 'same', text: '-9 %' });
});

test('longer is worse, and more a second is better', () => {
  expect(change({ value: 100 }, { value: 150 })).toEqual({ verdict: 'worse', text: '+50 %' });
  expect(change({ value: 100 }, { value: 50 })).toEqual({ verdict: 'better', text: '-50 %' });
  const rate = { unit: '/s', better: 'higher' } as const;
  expect(change({ value: 100, ...rate }, { value: 150 }).verdict).toBe('better');
});

test('a difference too small to matter is none, whatever it is in percent', () => {
  expect(change({ value: 1.2 }, { value: 2.1 }).verdict).toBe('same');
});

test('one lost message after none is worse', () => {
  expect(change({ value: 0, unit: '' }, { value: 1 })).toEqual({ verdict: 'worse', text: 'new' });
  expect(change({ value: 0, unit: '' }, { value: 0 })).toEqual({ verdict: 'same', text: '=' });
});

test('one more after many is worse, too', () => {
  expect(change({ value: 100, unit: '' }, { value: 105 }).verdict).toBe('worse');
  expect(change({ value: 105, unit: '' }, { value: 100 }).verdict).toBe('better');
});

test.each([
  { messageBytes: 4000 },
  { k6: 'k6 v2.2.0' },
  { target: 'https://chat.example.org' },
  { machine: { cpus: 64, model: 'x', memoryBytes: 8 * 2 ** 30 } },
  { way: 'gateway' },
])('%j is another run: side by side, and not judged', (other) => {
  const now = { ...run({ value: 50 }), ...other } as RunRecord;
  expect(loadDifferences(now, run({}))).toHaveLength(1);
  expect(compare(now, run({ value: 10 }))[0]!.verdict).toBe('same');
});

test('the ports of a local cluster, which are others at each start, make no difference', () => {
  const [now, before] = [1, 2].map((port) => ({
    ...run({}),
    way: 'replicas',
    sockets: `http://127.0.0.1:${port}`,
  }));
  expect(loadDifferences(now as RunRecord, before as RunRecord)).toEqual([]);
});

test('what rests on few samples gets no verdict', () => {
  expect(change({ value: 100, weak: true }, { value: 200, weak: false }).verdict).toBe('same');
});

test('another load makes no better or worse, a lost message does', () => {
  const more = { load: { sockets: 600 } } as unknown as RunRecord;
  const verdicts = (key: string) =>
    compare({ ...run({ key, value: 50 }), ...more }, run({ key, value: 10 })).map(({ verdict }) => verdict);
  expect(verdicts('across.p99')).toEqual(['same']);
  expect(verdicts('faults')).toEqual(['worse']);
});

test('figures that only one of the two runs has are left out', () => {
  expect(compare(run({ key: 'a' }, { key: 'b' }), run({ key: 'b' }, { key: 'c' }))).toHaveLength(1);
});

test('figures have their unit', () => {
  expect(formatFigure(1234.4, '/s')).toBe('1,234/s');
  expect(formatFigure(1.26, 'ms')).toBe('1.3 ms');
  expect(formatFigure(0, '')).toBe('0');
});
