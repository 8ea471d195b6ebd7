import { attribute, escapeHtml } from './html.ts';
import { linearScale, logScale, rangeScale, type Scale } from './scale.ts';

export interface Series {
  name: string;
  /** Ascending in x. A missing y breaks the line. */
  points: readonly (readonly [x: number, y: number | undefined])[];
  /** Stands for what is not the cluster itself. */
  dashed?: boolean;
}

export interface Chart {
  title: string;
  /** One sentence on how to read it. */
  note?: string;
  series: readonly Series[];
  x: Axis;
  y: Axis;
  /** Fill the space under the lines. */
  area?: boolean;
  /** Draw each y from its x to the next one. */
  steps?: boolean;
}

interface Axis {
  label: string;
  log?: boolean;
  /** Text of a value, with its unit where a reader needs it. */
  format?: (value: number) => string;
  /** Where a linear x axis begins and ends; default: with the points. */
  range?: readonly [from: number, to: number];
  /** Never less than this at the top. */
  atLeast?: number;
}

/** Colours and patterns that the style has. */
const COLOURS = 8;
const PATTERNS = 3;

const WIDTH = 640;
const HEIGHT = 250;
const LEFT = 68;
const RIGHT = WIDTH - 22;
const TOP = 12;
const BOTTOM = HEIGHT - 40;

/** A figure with its title, legend and picture as SVG; says so when there is nothing to draw. */
export function chartFigure(chart: Chart): string {
  const series = chart.series.filter(({ points }) => points.some(([, y]) => y !== undefined));
  const note = chart.note ? `<p class="note">${escapeHtml(chart.note)}</p>` : '';
  const body =
    series.length === 0
      ? '<p class="empty">nothing was measured</p>'
      : `${legend(series)}<div class="scroll">${svg({ ...chart, series })}</div>`;
  return `<figure><figcaption>${escapeHtml(chart.title)}</figcaption>${note}${body}</figure>`;
}

function legend(series: readonly Series[]): string {
  const items = series.map(
    ({ name, dashed }, index) => `<li class="${lineClass(index, dashed)}"><i></i>${escapeHtml(name)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

function svg(chart: Chart): string {
  const x = xScale(chart);
  const y = yScale(chart);
  const lines = chart.series.map((series, index) => path(chart, series, index, x, y));
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${attribute(chart.title)}" data-hover="${attribute(hoverData(chart, x))}">`,
    grid(chart, x, y),
    ...lines,
    `<line class="cursor" x1="0" x2="0" y1="${TOP}" y2="${BOTTOM}" hidden></line>`,
    '</svg>',
  ].join('');
}

function grid({ x: xAxis, y: yAxis }: Chart, x: Scale, y: Scale): string {
  const format = (axis: Axis, value: number) => escapeHtml((axis.format ?? String)(value));
  const rows = y.ticks.map((tick) => {
    const at = pixel(y.position(tick));
    return `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${at}" y2="${at}"/><text x="${LEFT - 8}" y="${at}" dy=".35em" text-anchor="end">${format(yAxis, tick)}</text>`;
  });
  const columns = x.ticks.map((tick) => {
    const at = pixel(x.position(tick));
    return `<line class="tick" x1="${at}" x2="${at}" y1="${BOTTOM}" y2="${BOTTOM + 4}"/><text x="${at}" y="${BOTTOM + 17}" text-anchor="middle">${format(xAxis, tick)}</text>`;
  });
  const axis = `<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${BOTTOM}" y2="${BOTTOM}"/>`;
  const label = `<text class="label" x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(xAxis.label)}</text>`;
  return [...rows, ...columns, axis, label].join('');
}

function path(chart: Chart, { points, dashed }: Series, index: number, x: Scale, y: Scale): string {
  const parts = runs(points).map((run) => {
    const spots = run.map(([px, py]) => [pixel(x.position(px)), pixel(y.position(py))] as const);
    const steps = spots.map(([px, py], place) => {
      if (place === 0) return `M${px} ${py}`;
      return chart.steps ? `H${px}V${py}` : `L${px} ${py}`;
    });
    return { spots, line: steps.join('') };
  });
  const areas = parts.map(
    ({ line, spots }) => `<path class="area ${colour(index)}" d="${line}V${BOTTOM}H${spots[0]![0]}Z"/>`,
  );
  const lines = parts.map(({ line, spots: [first, second] }) =>
    second
      ? `<path class="line ${lineClass(index, dashed)}" d="${line}"/>`
      : `<circle class="${colour(index)}" cx="${first![0]}" cy="${first![1]}" r="3"/>`,
  );
  return [...(chart.area ? areas : []), ...lines].join('');
}

function colour(index: number): string {
  return `s${index % COLOURS}`;
}

/** Lines of one colour differ in their pattern. */
function lineClass(index: number, dashed = false): string {
  const round = Math.min(Math.floor(index / COLOURS), PATTERNS);
  return `${colour(index)}${round > 0 ? ` p${round}` : ''}${dashed ? ' dashed' : ''}`;
}

/** Stretches without a missing value. */
function runs(points: Series['points']): [number, number][][] {
  const all: [number, number][][] = [[]];
  for (const [x, y] of points) {
    if (y === undefined) all.push([]);
    else all.at(-1)!.push([x, y]);
  }
  return all.filter((run) => run.length > 0);
}

/** What the script shows under the pointer: for each x its place, its text, and the text of each series. */
function hoverData({ series, x: xAxis, y: yAxis }: Chart, x: Scale): string {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([px]) => px)))].sort((a, b) => a - b);
  const values = series.map(({ points }) => new Map(points.map(([px, py]) => [px, py])));
  const text = (axis: Axis, value: number | undefined) =>
    value === undefined ? '' : (axis.format ?? String)(value);
  return JSON.stringify({
    names: series.map(({ name }) => name),
    unit: yAxis.label,
    rows: xs.map((px) => [
      pixel(x.position(px)),
      `${text(xAxis, px)} ${xAxis.label}`,
      ...values.map((each) => text(yAxis, each.get(px))),
    ]),
  });
}

function xScale({ series, x }: Chart): Scale {
  const values = series.flatMap(({ points }) => points.map(([px]) => px));
  const [min, max] = x.range ?? [Math.min(...values), Math.max(...values)];
  return x.log ? logScale(min, max, LEFT, RIGHT) : rangeScale(min, max, LEFT, RIGHT);
}

function yScale({ series, y }: Chart): Scale {
  const values = series.flatMap(({ points }) => points.flatMap(([, py]) => (py === undefined ? [] : [py])));
  const max = Math.max(y.atLeast ?? 0, ...values);
  return y.log ? logScale(Math.min(...values), max, BOTTOM, TOP) : linearScale(max, BOTTOM, TOP);
}

function pixel(value: number): number {
  return Math.round(value * 10) / 10;
}
