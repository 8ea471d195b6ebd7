import type { Curve, Knee } from './curve.ts';

const WIDTH = 760;
const HEIGHT = 440;
const LEFT = 92;
const RIGHT = 150;
const TOP = 64;
const BOTTOM = 60;
const CLASSES = ['small', 'medium', 'large'];

const STYLE = `
    .page { fill: #ffffff; }
    .title { font: 600 17px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328; }
    .note { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #57606a; }
    .grid { stroke: #d0d7de; stroke-width: 1; }
    .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
    .name { font: 600 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
    .small { stroke: #bc4c00; } .dot.small, .name.small { fill: #bc4c00; stroke: none; }
    .medium { stroke: #8250df; } .dot.medium, .name.medium { fill: #8250df; stroke: none; }
    .large { stroke: #0969da; } .dot.large, .name.large { fill: #0969da; stroke: none; }
    .end { text-anchor: end; } .middle { text-anchor: middle; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; }
      .title { fill: #e6edf3; } .note { fill: #9da7b3; }
      .grid { stroke: #30363d; }
      .small { stroke: #f0883e; } .dot.small, .name.small { fill: #f0883e; }
      .medium { stroke: #d2a8ff; } .dot.medium, .name.medium { fill: #d2a8ff; }
      .large { stroke: #58a6ff; } .dot.large, .name.large { fill: #58a6ff; }
    }`;

/**
 * Deliveries a second at the knee over the number of replicas, one line per size of rooms, on a logarithmic scale.
 *
 * @throws RangeError without any knee
 */
export function renderCurve({ knees, sockets }: Curve, machine: string): string {
  const replicas = [...new Set(knees.map((knee) => knee.replicas))].sort((a, b) => a - b);
  const sizes = [...new Set(knees.map(({ members }) => members))].sort((a, b) => a - b);
  if (knees.length === 0) throw new RangeError('there is no knee to draw');
  const values = knees.map(({ deliveriesPerSecond }) => deliveriesPerSecond);
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const x = (n: number) =>
    LEFT + ((WIDTH - LEFT - RIGHT) * replicas.indexOf(n)) / Math.max(1, replicas.length - 1);
  const y = (value: number) =>
    HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (Math.log10(value) - low)) / (high - low);
  const decades = Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title desc">`,
    '  <title id="title">Deliveries a second that the cluster carries</title>',
    `  <desc id="desc">${describe(knees)}</desc>`,
    `  <style>${STYLE}\n  </style>`,
    `  <rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    '  <text class="title" x="24" y="30">Deliveries a second at p99 of at most 200 ms, nothing lost</text>',
    `  <text class="note" x="24" y="50">${sockets.toLocaleString('en-US')} sockets; ${machine}</text>`,
    ...decades.flatMap((value) => [
      `  <line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(value))}" y2="${round(y(value))}"/>`,
      `  <text class="note end" x="${LEFT - 10}" y="${round(y(value) + 4)}">${value.toLocaleString('en-US')}</text>`,
    ]),
    ...replicas.map(
      (n) =>
        `  <text class="note middle" x="${round(x(n))}" y="${HEIGHT - BOTTOM + 22}">${n === 1 ? '1 replica' : n}</text>`,
    ),
    ...sizes.flatMap((members, index) => lineOf(knees, members, CLASSES[index % CLASSES.length]!, x, y)),
    '</svg>',
    '',
  ].join('\n');
}

function lineOf(
  knees: readonly Knee[],
  members: number,
  name: string,
  x: (n: number) => number,
  y: (value: number) => number,
): string[] {
  const points = knees.filter((knee) => knee.members === members).sort((a, b) => a.replicas - b.replicas);
  const place = (knee: Knee) => `${round(x(knee.replicas))},${round(y(knee.deliveriesPerSecond))}`;
  const last = points.at(-1)!;
  return [
    `  <polyline class="line ${name}" points="${points.map(place).join(' ')}"/>`,
    ...points.flatMap((knee) => [
      `  <circle class="dot ${name}" cx="${round(x(knee.replicas))}" cy="${round(y(knee.deliveriesPerSecond))}" r="4"/>`,
      `  <text class="note middle" x="${round(x(knee.replicas))}" y="${round(labelY(knees, knee, y))}">${short(knee.deliveriesPerSecond)}</text>`,
    ]),
    `  <text class="name ${name}" x="${round(x(last.replicas) + 14)}" y="${round(y(last.deliveriesPerSecond) + 4)}">rooms of ${members.toLocaleString('en-US')}</text>`,
  ];
}

/** Pixels of a label, with some air. */
const LABEL_HEIGHT = 28;

/** Above the point, or below it where the point of larger rooms stands too close. */
function labelY(knees: readonly Knee[], knee: Knee, y: (value: number) => number): number {
  const own = y(knee.deliveriesPerSecond);
  const crowded = knees.some(({ replicas, deliveriesPerSecond }) => {
    const above = own - y(deliveriesPerSecond);
    return replicas === knee.replicas && above > 0 && above < LABEL_HEIGHT;
  });
  return crowded ? own + 20 : own - 10;
}

function describe(knees: readonly Knee[]): string {
  return knees
    .map(
      ({ replicas, members, deliveriesPerSecond }) =>
        `${replicas} replicas, rooms of ${members}: ${short(deliveriesPerSecond)}`,
    )
    .join('; ');
}

function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return `${Math.round(value / 1000)} k`;
}

function round(value: number): string {
  return value.toFixed(1);
}
