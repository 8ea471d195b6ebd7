import { describe, expect, it } from 'vitest';
import { MEASURES, readOptions } from './options.ts';

it('everything is measured when nothing else is asked for', () => {
  expect([...readOptions([]).only]).toEqual(Object.keys(MEASURES));
});

it.each([
  [['--only', 'fanout,nothing'], 'nothing'],
  [['--replicas', '0'], '--replicas'],
  [['--replicas', '65'], '--replicas'],
  [['--duration', 'long'], '--duration'],
  [['--nice', '20'], '--nice'],
  [['--generator', 'rust'], '--generator'],
  [['--fast'], '--fast'],
])('%j is refused by one line that names what is wrong', (args, name) => {
  expect(() => readOptions(args)).toThrow(new RegExp(`^[^\n]*${name}[^\n]*$`));
});

describe('the relay hop', () => {
  it('is refused with one replica when it is asked for', () => {
    expect(() => readOptions(['--only', 'hop', '--replicas', '1'])).toThrow(/hop .* two replicas/);
  });

  it('is left out with one replica when everything is measured', () => {
    expect(readOptions(['--replicas', '1']).only.has('hop')).toBe(false);
    expect(readOptions(['--replicas', '2']).only.has('hop')).toBe(true);
  });
});

describe('the capacity curve', () => {
  it.each([
    [['--only', 'idle'], '--only'],
    [['--replicas', '2'], '--replicas'],
    [['--duration', '5'], '--duration'],
    [['--no-peers'], '--no-peers'],
    [['--profile', '/tmp/x'], '--profile'],
  ])('does not go together with %j', (args, name) => {
    expect(() => readOptions(['--curve', ...args])).toThrow(`--curve does not go together with ${name}`);
  });

  it('can be short', () => {
    expect(readOptions(['--curve', '--quick'])).toMatchObject({ curve: true, step: 3, publish: false });
  });
});

describe('figures for the documents', () => {
  it.each([
    [['--quick'], '--quick'],
    [['--only', 'idle'], '--only'],
    [['--no-peers'], '--no-peers'],
    [['--generator', 'js'], '--generator js'],
    [['--profile', '/tmp/x'], '--profile'],
    [['--curve', '--quick'], '--quick'],
  ])('are not taken of a run with %j', (args, name) => {
    expect(() => readOptions(['--publish', ...args])).toThrow(`--publish does not go together with ${name}`);
  });

  it('are written only when that is asked for', () => {
    expect(readOptions(['--publish']).publish).toBe(true);
    expect(readOptions([]).publish).toBe(false);
  });
});
