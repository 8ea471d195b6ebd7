import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig, readLoad } from '../lib/environment.ts';
import type { Rule, RunSummary } from '../lib/summary-text.ts';
import type { Command } from './args.ts';
import { compare, loadDifferences } from './comparison.ts';
import { findK6, type K6 } from './k6.ts';
import { byPid, byUrl, localProcesses, Monitor } from './monitor.ts';
import { partialSummary } from './partial-summary.ts';
import { recordOf } from './record.ts';
import { reportHtml } from './report/report.ts';
import { Results } from './results.ts';
import { restartReplicas } from './rolling-restart.ts';
import { ROOT, type Settings } from './settings.ts';
import { findTarget, readCluster, type Target } from './target.ts';
import { type Comparison, reportText } from './text.ts';
import { Timeline } from './timeline.ts';

type RunCommand = Extract<Command, { kind: 'run' }>;

const READ_MS = 500;
/** k6's exit code when it was ended by a signal. */
const INTERRUPTED = 105;
/** k6's exit code when a threshold was crossed. */
const FAILED = 99;

/**
 * Runs one scenario and writes its report; returns k6's exit code, and that of a failed run where k6 alone found
 * nothing wrong.
 *
 * @throws UsageError, EnvironmentError, K6MissingError
 */
export async function runScenario(command: RunCommand, settings: Settings): Promise<number> {
  const { scenario, profile } = command;
  const target = findTarget(settings, command.via);
  const env = { ...settings.env, ...target.env, PROFILE: profile };
  const config = readConfig(env);
  const load = readLoad(scenario.name, profile, env);
  const k6 = findK6({ path: settings.env.PATH ?? '', root: ROOT, results: settings.resultsDir });
  const results = new Results(settings.resultsDir, scenario.name);
  console.log(`${scenario.name}, profile ${profile}, against ${target.baseUrl} with ${k6.name}`);

  const timeline = new Timeline(results.console, (line) => console.error(line));
  const startedAt = Date.now();
  const run = startK6(k6, scenario.script, { ...env, SUMMARY_FILE: results.k6Summary }, results);
  const monitor = new Monitor(processesOf(settings, target, k6.kind === 'path' ? run.pid : undefined));
  monitor.start();
  const end = new AbortController();
  const reading = readWhile(timeline, end.signal);
  const restarting =
    scenario.name === 'rolling-restart'
      ? restart({ command, settings, target, timeline, signal: end.signal })
      : undefined;

  const code = await run.exited;
  end.abort();
  await reading;
  timeline.read();
  const histories = await monitor.stop();
  const restarted = await restarting;
  const { seconds } = timeline;
  const whole = results.read();
  if (!whole && !timeline.has('connected') && !timeline.has('sent')) {
    results.discard();
    return code === 0 ? 1 : code;
  }

  const summary =
    whole ?? partialSummary({ scenario: scenario.name, load, config, seconds, startedAt, code });
  if (restarted) addRule(summary, restarted);
  const interrupted = !whole || code === INTERRUPTED;
  const where = { sockets: socketsText(settings, target), way: target.way };
  const record = recordOf({ summary, startedAt, interrupted, k6: k6.name, ...where, histories, seconds });
  const previous = interrupted ? undefined : results.previous(scenario.name, profile);
  const comparison: Comparison | undefined = previous && {
    name: previous.name,
    changes: compare(record, previous.record),
    differences: loadDifferences(record, previous.record),
  };
  const text = reportText(record, comparison);
  results.write(record, reportHtml({ record, comparison, histories, seconds, startedAt }), text);
  if (whole) results.removeConsole();
  console.log(text);
  console.log(`  report  ${results.path}/report.html\n`);
  return code === 0 && !record.passed ? FAILED : code;
}

function addRule(summary: RunSummary, rule: Rule): void {
  summary.thresholds.push(rule);
  summary.passed &&= rule.ok;
}

function startK6(
  k6: K6,
  script: string,
  env: NodeJS.ProcessEnv,
  results: Results,
): { pid: number; exited: Promise<number> } {
  const child = spawn(
    k6.command,
    [...k6.args, 'run', '--address', '', '--console-output', results.console, `${ROOT}loadtest/${script}`],
    {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        // Garbage collection is a third of what k6 does with messages; it has memory enough.
        GOGC: '300',
        K6_NO_USAGE_REPORT: 'true',
        K6_AUTO_EXTENSION_RESOLUTION: 'false',
        ...env,
        TIMELINE: '1',
      },
    },
  );
  // Ctrl-C reaches k6 as well, which ends in order; the report is written then. SIGTERM is handed on.
  const ignore = () => undefined;
  const hand = () => child.kill('SIGTERM');
  process.on('SIGINT', ignore).on('SIGTERM', hand);
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`${k6.command} cannot be run: ${error.message}`)));
    child.once('close', (code, signal) => {
      process.off('SIGINT', ignore).off('SIGTERM', hand);
      // As a shell says it.
      resolve(code ?? 128 + constants.signals[signal!]);
    });
  });
  return { pid: child.pid ?? 0, exited };
}

async function readWhile(timeline: Timeline, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(READ_MS, undefined, { signal }).catch(() => undefined);
    timeline.read();
  }
}

function processesOf(settings: Settings, target: Target, k6Pid: number | undefined) {
  const names = new Map<string, string>();
  const own = k6Pid === undefined ? [] : [byPid('k6', k6Pid)];
  const urls = settings.metricsUrls.length > 0 ? settings.metricsUrls : [target.baseUrl];
  return () => {
    const cluster = target.local ? readCluster(settings.dataDir) : undefined;
    return [...(cluster ? localProcesses(cluster, names) : urls.map(byUrl)), ...own];
  };
}

interface Restart {
  command: RunCommand;
  settings: Settings;
  target: Target;
  timeline: Timeline;
  signal: AbortSignal;
}

async function restart({ command, settings, target, timeline, signal }: Restart): Promise<Rule | undefined> {
  while (!timeline.has('sent') && !signal.aborted)
    await sleep(READ_MS, undefined, { signal }).catch(() => undefined);
  const { dataDir } = settings;
  const log = (line: string) => console.error(line);
  return restartReplicas({ dataDir, command: command.restart, local: target.local, log, signal });
}

function socketsText({ env }: Settings, target: Target): string {
  const given = target.env.SOCKET_URLS ?? target.env.REPLICA_URLS ?? env.SOCKET_URLS ?? env.REPLICA_URLS;
  return given ?? `${target.baseUrl}/replica/<n>/ws`;
}
