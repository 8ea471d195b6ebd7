import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readArgs, UsageError } from './args.ts';
import { findScenario, scenarios } from './scenarios.ts';

test('every scenario has its script', () => {
  for (const { script } of scenarios) expect(existsSync(new URL(`../${script}`, import.meta.url))).toBe(true);
});

test.each(['fanout', '3', '03', '03-fanout', '03-fanout.ts', 'loadtest/03-fanout.ts'])(
  '%s is the fan-out',
  (text) => {
    expect(findScenario(text)?.name).toBe('fanout');
  },
);

test('a scenario runs with the profile smoke unless told otherwise', () => {
  expect(readArgs(['storm'])).toMatchObject({
    ...{ kind: 'run', profile: 'smoke', via: undefined, restart: undefined },
    scenario: { name: 'storm', script: '07-storm.ts' },
  });
  expect(readArgs(['storm', '--profile', 'average', '--via', 'gateway'])).toMatchObject({
    profile: 'average',
    via: 'gateway',
  });
});

test('the profile of the environment counts where the command line names none', () => {
  expect(readArgs(['storm'], 'average')).toMatchObject({ profile: 'average' });
  expect(readArgs(['storm', '-p', 'stress'], 'average')).toMatchObject({ profile: 'stress' });
  expect(() => readArgs(['storm'], 'huge')).toThrow(/no profile "huge"/);
});

test('without arguments it helps', () => {
  expect(readArgs([])).toEqual({ kind: 'help' });
  expect(readArgs(['-h'])).toEqual({ kind: 'help' });
  expect(readArgs(['--list'])).toEqual({ kind: 'list' });
});

test.each([
  [['fanot'], /no scenario "fanot".*fanout/],
  [['10'], /no scenario "10"/],
  [['fanout', '-p', 'huge'], /no profile "huge".*average/],
  [['fanout', '--via', 'air'], /no way "air".*gateway/],
  [['fanout', '--restart', 'true'], /--restart belongs to rolling-restart/],
  [['fanout', 'storm'], /one scenario at a time/],
  [['--profile', 'smoke'], /which scenario/],
  [['fanout', '--fast'], /Unknown option '--fast'/],
])('%j is an error that says what there is', (argv, message) => {
  expect(() => readArgs(argv)).toThrow(UsageError);
  expect(() => readArgs(argv)).toThrow(message);
});
