import { expect, test } from 'vitest';
import { type Chart, chartFigure } from './chart.ts';
import { STYLE } from './style.ts';

const CHART: Chart = {
  title: 'Open sockets',
  series: [
    {
      name: 'realtime 1',
      points: [
        [0, 3],
        [1, undefined],
        [2, 8],
        [3, 9],
      ],
    },
  ],
  x: { label: 'seconds' },
  y: { label: 'sockets' },
};

test('a missing value breaks the line, and a single one is a dot', () => {
  const html = chartFigure(CHART);
  expect(html.match(/<path class="line/g)).toHaveLength(1);
  expect(html.match(/<circle/g)).toHaveLength(1);
  expect(html).not.toContain('NaN');
});

test('with nothing to draw it says so', () => {
  expect(chartFigure({ ...CHART, series: [{ name: 'x', points: [] }] })).toContain('nothing was measured');
});

test('names and values are text, not markup', () => {
  const html = chartFigure({
    ...CHART,
    title: '<b>"1"</b>',
    series: [{ ...CHART.series[0]!, name: '<i>&' }],
  });
  expect(html).not.toMatch(/<b>|<i>&(?!amp)/);
  expect(html).toContain('&lt;i&gt;&amp;');
  expect(html).toContain('aria-label="&lt;b&gt;&quot;1&quot;&lt;/b&gt;"');
});

test('each of many lines has a colour that the style knows, and differs from those of the same colour', () => {
  const series = Array.from({ length: 20 }, (_, index) => ({
    ...CHART.series[0]!,
    name: `realtime ${index}`,
  }));
  const classes = [...chartFigure({ ...CHART, series }).matchAll(/<path class="line ([^"]*)"/g)].map(
    (m) => m[1]!,
  );
  expect(new Set(classes).size).toBe(20);
  for (const name of classes.flatMap((each) => each.split(' '))) expect(STYLE).toMatch(`.${name} {`);
});
