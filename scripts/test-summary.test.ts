import { expect, test } from 'vitest';
import { summary } from './test-summary.ts';

const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults: [] };

test('passed and failed tests are counted in one line', () => {
  expect(summary(report)).toBe('3 passed, 1 failed');
});

test('skipped tests are named when there are some', () => {
  expect(summary({ ...report, numPendingTests: 2 })).toBe('3 passed, 1 failed, 2 skipped');
});

test('a file that does not load, or fails before its tests, is a failure', () => {
  const testResults = [
    { status: 'failed', assertionResults: [] },
    { status: 'failed', assertionResults: [{ status: 'skipped' }] },
    { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] },
    { status: 'passed', assertionResults: [{ status: 'passed' }] },
  ];
  expect(summary({ ...report, testResults })).toBe('3 passed, 3 failed');
});
