/** The part of vitest's JSON report that counts. */
export interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  /** Skipped ones. */
  numPendingTests: number;
  numTodoTests: number;
  /** One for each file. */
  testResults: { status: string; assertionResults: unknown[] }[];
}

/** `N passed, N failed`, and `, N skipped` when there are some. A file that did not even load counts as one failed. */
export function summary(report: VitestReport): string {
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  const skipped = report.numPendingTests + report.numTodoTests;
  const counts = `${report.numPassedTests} passed, ${report.numFailedTests + unloaded.length} failed`;
  return skipped > 0 ? `${counts}, ${skipped} skipped` : counts;
}
