import type { Options, Scenario } from 'k6/options';
import { config } from './config.ts';
import { type Team, vusOf } from './crew.ts';
import { TIMED } from './metrics.ts';
import { planSeconds } from './plan.ts';
import type { Load, ScenarioName } from './profiles.ts';
import { subjectOf } from './subject.ts';

/** What may never happen: an acknowledged message that somebody misses, gets twice or in the wrong order. */
const LOSS: Record<string, string[]> = {
  chat_missing: ['count==0'],
  chat_gaps: ['count==0'],
  chat_duplicates: ['count==0'],
  chat_disorder: ['count==0'],
  chat_unacked: ['count==0'],
};

interface Parts {
  scenario: ScenarioName;
  scenarios: Record<string, Scenario>;
  /** Clients that have to be through with everything at the end, where there are any. */
  clients?: number;
  thresholds?: Record<string, string[]>;
}

/** k6's options: loss ends in exit code 99, slowness only where P99_MS asks for it. */
export function scenarioOptions({ scenario, scenarios, clients, thresholds = {} }: Parts): Options {
  const timed = config.p99Ms > 0 ? subjectOf(scenario).times : [];
  const slow = timed.map((name) => [TIMED[name], [`p(99)<${config.p99Ms}`]] as const);
  return {
    scenarios,
    thresholds: {
      ...LOSS,
      ...(clients === undefined ? {} : { chat_done: [`count==${clients}`] }),
      ...Object.fromEntries(slow),
      ...thresholds,
    },
    setupTimeout: '5m',
    summaryTrendStats: ['count', 'min', 'avg', 'med', 'p(95)', 'p(99)', 'max'],
    // Per message it costs k6 more than the message: only what the summary and the thresholds read.
    systemTags: ['status', 'method', 'name', 'scenario'],
    // A request without an answer is an exception, and not a line of k6's own.
    throw: true,
  };
}

/** One k6 scenario that runs a team, each VU once. `exec` is the function that the script exports. */
export function crewScenario(exec: string, team: Team, load: Load): Scenario {
  return {
    executor: 'per-vu-iterations',
    exec,
    vus: vusOf(team),
    iterations: 1,
    maxDuration: `${Math.ceil(planSeconds(load)) + 10}s`,
    gracefulStop: '5s',
  };
}
