import { config } from './config.ts';
import type { Load, ScenarioName } from './profiles.ts';
import { type K6Data, summarize } from './summarize.ts';
import { summaryText } from './summary-text.ts';

/** The script's handleSummary: prints the ledger and the times, and writes SUMMARY_FILE. */
export function summaryOf(scenario: ScenarioName, load: Load) {
  return (data: K6Data): Record<string, string> => {
    // The run was stopped in setup(), which has said why.
    if (data.setup_data === undefined) return {};
    const summary = summarize(scenario, load, config, data);
    const file = config.summaryFile ? { [config.summaryFile]: `${JSON.stringify(summary, null, 2)}\n` } : {};
    // Whoever reads the timeline knows more, and prints it all.
    return config.timeline ? file : { ...file, stdout: summaryText(summary) };
  };
}
