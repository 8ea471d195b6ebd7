import { expect, test } from 'vitest';
import { summary } from './test-summary.ts';

const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults: [] };

test('passed and failed tests are counted in one line', () => {
  expect(summary(report)).toBe('3 passed, 1 failed');
});

test('skipped tests are named when there are some', () => {
  expect(summary({ ...report, numPendingTests: 2 })).toBe('3 passed, 1 failed, 2 skipped');
});

test('a file that does not load is a failure, though it has no test', () => {
  const testResults = [
    { status: 'failed', assertionResults: [] },
    { status: 'failed', assertionResults: [{}] },
    { status: 'passed', assertionResults: [] },
  ];
  expect(summary({ ...report, testResults })).toBe('3 passed, 2 failed');
});
