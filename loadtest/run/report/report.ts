import type { Timed } from '../../lib/metrics.ts';
import { subjectOf } from '../../lib/subject.ts';
import {
  faultsOf,
  LAG_LIMIT_MS,
  type Latency,
  MORE,
  milliseconds,
  TIME_NAMES,
  whole,
} from '../../lib/summary-text.ts';
import { formatChange, formatFigure } from '../comparison.ts';
import type { RunRecord } from '../record.ts';
import { scenarios } from '../scenarios.ts';
import { type Comparison, withoutCluster } from '../text.ts';
import { chartFigure } from './chart.ts';
import { chartsOf, type Measured } from './charts.ts';
import { HOVER } from './hover.ts';
import { attribute, escapeHtml, table } from './html.ts';
import { STYLE } from './style.ts';

interface ReportParts extends Omit<Measured, 'subject'> {
  record: RunRecord;
  comparison: Comparison | undefined;
}

/** The whole report as one file that needs nothing else. */
export function reportHtml({ record, comparison, ...measured }: ReportParts): string {
  const title = `${record.scenario}, ${record.profile}: load test of ${record.endedAt.slice(0, 16).replace('T', ' ')} UTC`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
<main>
${header(record)}
${tiles(record)}
<h2>Pictures</h2>
<div class="charts">${chartsOf({ ...measured, subject: subjectOf(record.scenario) })
    .map(chartFigure)
    .join('\n')}</div>
<div class="columns">
<section><h2>Ledger</h2>${ledger(record)}</section>
<section><h2>Times in milliseconds</h2>${times(record)}</section>
</div>
<h2>Processes</h2>${processes(record)}
${record.interrupted ? '' : `<h2>Compared with the run before</h2>${compared(comparison)}`}
<div class="columns">
<section><h2>Rules</h2>${rules(record)}</section>
<section><h2>Set-up</h2>${setup(record)}</section>
</div>
</main>
<script>${HOVER}</script>
</html>
`;
}

function header({
  scenario,
  profile,
  passed,
  target,
  endedAt,
  seconds,
  latencies,
  interrupted,
}: RunRecord): string {
  const about = scenarios.find(({ name }) => name === scenario)?.about ?? '';
  const badge = passed
    ? '<span class="badge passed">passed</span>'
    : '<span class="badge failed">failed</span>';
  const date = endedAt.slice(0, 19).replace('T', ' ');
  const lag = latencies.lag?.p95 ?? 0;
  const early = interrupted
    ? '<p class="warning">The run was ended before its time: what was not sent or received by then is no loss.</p>'
    : '';
  const warning =
    lag > LAG_LIMIT_MS
      ? `<p class="warning">k6 could not keep up: it came to a frame ${milliseconds(lag)} ms late at p95. The times are partly its own; a smaller load, or another machine for k6, gives those of the cluster.</p>`
      : '';
  return `<header><h1>${escapeHtml(scenario)}</h1>${badge}
<p>${escapeHtml(about)}</p>
<p>profile ${escapeHtml(profile)}, ${seconds} s against <code>${escapeHtml(target)}</code>, ended ${date} UTC</p>${early}${warning}</header>`;
}

function tiles({ scenario, counts, latencies, rate }: RunRecord): string {
  const subject = subjectOf(scenario);
  const faults = faultsOf(counts);
  const time = subject.times.at(-1)!;
  const where = time === 'across' ? ' across replicas' : ` of ${subject.of}`;
  const main = latencies[time] ?? latencies.same;
  const tile = (name: string, value: string, wrong = false) =>
    `<div${wrong ? ' class="wrong"' : ''}><dt>${name}</dt><dd>${value}</dd></div>`;
  const inMs = (value: number | undefined) =>
    value === undefined ? '–' : `${milliseconds(value)} <small>ms</small>`;
  return `<dl class="tiles">${[
    tile(subject.sent, whole(counts.sent)),
    tile(subject.received, whole(counts.received)),
    tile(`${subject.rate.name} a second`, whole(rate)),
    tile('lost or repeated', whole(faults), faults > 0),
    tile(`p50${where}`, inMs(main?.p50)),
    tile(`p99${where}`, inMs(main?.p99)),
  ].join('')}</dl>`;
}

function ledger({ scenario, counts }: RunRecord): string {
  const subject = subjectOf(scenario);
  const rows: [string, number][] = [
    [subject.sent, counts.sent],
    [scenario === 'login' ? subject.due : `${subject.due} (messages × members)`, counts.expected],
    [subject.received, counts.received],
    ['missing', counts.missing],
    ['gaps in the chain of a room', counts.gaps],
    ['duplicates', counts.duplicates],
    ['out of order', counts.disorder],
    ['unacknowledged', counts.unacked],
    ...MORE.filter(([name]) => counts[name] > 0).map(([name, words]): [string, number] => [
      words,
      counts[name],
    ]),
  ];
  return table(
    [],
    rows.map(([name, count]) => [name, whole(count)]),
  );
}

function times({ latencies }: RunRecord): string {
  const rows = (Object.entries(latencies) as [Timed, Latency][]).map(
    ([name, { min, p50, p95, p99, max, count }]) => [
      escapeHtml(TIME_NAMES[name]),
      ...[min, p50, p95, p99, max].map(milliseconds),
      whole(count),
    ],
  );
  return table(['', 'min', 'p50', 'p95', 'p99', 'max', 'count'], rows);
}

function processes({ processes: all }: RunRecord): string {
  const hint = withoutCluster(all)
    ? '<p>No process of the cluster told its CPU and memory. METRICS_URLS names those that do.</p>'
    : '';
  if (all.length === 0) return hint;
  const rows = all.map((each) => [
    escapeHtml(each.name),
    `${each.cpuSeconds.toFixed(1)} s`,
    ...[each.cpuMean, each.cpuMax].map((cpu) => `${Math.round(cpu * 100)} %`),
    ...[each.residentFirst, each.residentMax, each.residentLast].map((bytes) => `${whole(bytes / 1e6)} MB`),
  ]);
  return table(['', 'CPU', 'mean', 'highest', 'memory first', 'highest', 'last'], rows) + hint;
}

function compared(comparison: Comparison | undefined): string {
  if (!comparison) return '<p>There is no earlier run of this scenario with this profile.</p>';
  const { name, changes, differences } = comparison;
  const other =
    differences.length > 0
      ? `<p class="warning">Another load: ${escapeHtml(differences.join(', '))}</p>`
      : '';
  const rows = changes.map((change) => {
    const { figure, before, verdict } = change;
    const word = `<span class="${verdict}">${formatChange(change)}${verdict === 'same' ? '' : ` ${verdict}`}</span>`;
    return [
      escapeHtml(figure.label),
      formatFigure(before, figure.unit),
      formatFigure(figure.value, figure.unit),
      word,
    ];
  });
  return `<p><code>${escapeHtml(name)}</code>. Up to 10 % is chance.</p>${other}${table(['', 'before', 'now', ''], rows)}`;
}

function rules({ thresholds }: RunRecord): string {
  return table(
    [],
    thresholds.map(({ metric, rule, ok }) => [
      escapeHtml(metric),
      escapeHtml(rule),
      ok ? '<span class="better">held</span>' : '<span class="worse">broken</span>',
    ]),
  );
}

function setup({ scenario, load, messageBytes, k6, sockets, machine }: RunRecord): string {
  const text = (value: unknown) => escapeHtml(Array.isArray(value) ? value.join(' ') : String(value));
  const rows = [
    ...settingsOf(scenario, load).map(([name, value]) => [name, text(value)]),
    ['message bytes', text(messageBytes)],
    ['sockets to', `<code title="${attribute(sockets)}">${text(sockets)}</code>`],
    ['generator', text(k6)],
    ['machine of the generator', text(`${machine.cpus} cores, ${whole(machine.memoryBytes / 2 ** 30)} GiB`)],
    ['', text(`${machine.model}, ${machine.platform}`)],
  ];
  return table([], rows);
}

/** The numbers of the load that the scenario reads. */
function settingsOf(scenario: RunRecord['scenario'], load: RunRecord['load']): [string, unknown][] {
  const { sockets, senders, rate, curve, users, connectSeconds, holdSeconds } = load;
  const pace: [string, unknown][] = [
    [scenario === 'login' ? 'logins a second' : 'messages a second', rate],
    ...(curve.length > 1 ? ([['– times', curve]] as [string, unknown][]) : []),
    ['for seconds', holdSeconds],
    ['users', users],
  ];
  if (scenario === 'login') return pace;
  const clients: [string, unknown][] = [
    [scenario === 'history' ? 'readers' : 'sockets that listen', sockets],
    ...(scenario === 'rooms' ? [] : ([['sockets that send', senders]] as [string, unknown][])),
    ['connected within seconds', connectSeconds],
  ];
  const special: Partial<Record<RunRecord['scenario'], [string, unknown][]>> = {
    rooms: [
      ['rooms', load.rooms],
      ['rooms of each client', load.roomsPerClient],
    ],
    storm: [
      ['cuts', load.cuts],
      ['back within seconds', load.comebackSeconds],
    ],
    soak: [['back within seconds', load.comebackSeconds]],
  };
  return [...clients, ...pace, ...(special[scenario] ?? [])];
}
