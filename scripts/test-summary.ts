/** The part of vitest's JSON report that counts. */
export interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  /** Skipped ones. */
  numPendingTests: number;
  numTodoTests: number;
  /** One for each file. */
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

/** `N passed, N failed`, and `, N skipped` when there are some. A file that failed outside of its tests counts as one. */
export function summary(report: VitestReport): string {
  const outside = report.testResults.filter(
    ({ status, assertionResults: tests }) =>
      status === 'failed' && !tests.some((test) => test.status === 'failed'),
  );
  const skipped = report.numPendingTests + report.numTodoTests;
  const counts = `${report.numPassedTests} passed, ${report.numFailedTests + outside.length} failed`;
  return skipped > 0 ? `${counts}, ${skipped} skipped` : counts;
}
