import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Rendered, render, selects, whyNot } from './rendered.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const reason = whyNot();

/** Of HAProxy's exporter and Prometheus itself. */
const FOREIGN = ['up', 'haproxy_backend_active_servers', 'haproxy_backend_http_responses_total'];

describe.skipIf(reason)(`monitoring${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let rendered: Rendered;
  let known: Set<string>;
  beforeAll(async () => {
    rendered = await render('production');
    known = knownMetrics();
  });

  it('scrapes the metrics port of every Deployment once', () => {
    const scraped = rendered.all('ServiceMonitor').flatMap(({ spec }) =>
      rendered
        .all('Service')
        .filter(({ metadata }) => selects(spec.selector, metadata.labels ?? {}))
        .filter(({ spec: service }) => service!.ports!.some(({ name }) => name === spec.endpoints[0].port))
        .map(({ metadata }) => metadata.name),
    );
    expect(scraped.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'auth',
      'gateway-metrics',
      'history',
      'realtime',
    ]);
  });

  it('asks in alerts for metrics that there are, and says in words what each alert means', () => {
    const rules = rendered
      .one('PrometheusRule', 'chat')
      .spec.groups.flatMap((group: { rules: object[] }) => group.rules);
    expect(rules.length).toBeGreaterThan(8);
    for (const { alert, expr, labels, annotations } of rules) {
      expect(
        metricsIn(expr).filter((name) => !known.has(name)),
        alert,
      ).toEqual([]);
      expect(['page', 'ticket']).toContain(labels.severity);
      expect(annotations, alert).toMatchObject({
        summary: expect.any(String),
        description: expect.any(String),
      });
    }
  });

  it('explains every alert to the operator', () => {
    const manual = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    for (const group of rendered.one('PrometheusRule', 'chat').spec.groups) {
      for (const { alert } of group.rules) expect(manual).toContain(alert);
    }
  });

  it('shows sockets, deliveries, append and relay latency, repairs and losses', () => {
    const dashboard = JSON.parse(rendered.one('ConfigMap', 'chat-dashboard').data!['chat.json']!);
    const asked = new Set<string>();
    for (const { title, targets = [] } of dashboard.panels) {
      for (const { expr } of targets) {
        const names = metricsIn(expr);
        expect(
          names.filter((name) => !known.has(name)),
          title,
        ).toEqual([]);
        for (const name of names) asked.add(name);
      }
    }
    for (const signal of [
      'chat_sockets',
      'chat_frames_delivered_total',
      'chat_append_seconds_bucket',
      'chat_relay_seconds_bucket',
      'chat_repairs_total',
      'chat_lost_predecessors_total',
    ]) {
      expect(asked).toContain(signal);
    }
  });

  it('scales realtime by a metric that realtime has', () => {
    const metrics = rendered.one('HorizontalPodAutoscaler', 'realtime').spec!.metrics!;
    expect(known).toContain(metrics[0]!.pods!.metric.name);
  });
});

/** The names that services register, and with them those of a histogram's series. */
function knownMetrics(): Set<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const names = new Set([...FOREIGN, ...registry.getMetricsAsArray().map(({ name }) => name)]);
  for (const dir of [
    'packages/kit/src',
    'services/auth/src',
    'services/history/src',
    'services/realtime/src',
  ]) {
    for (const file of readdirSync(join(ROOT, dir), { recursive: true, encoding: 'utf8' })) {
      if (!/^(?!.*\.test\.).*\.ts$/.test(file)) continue;
      for (const [, name] of readFileSync(join(ROOT, dir, file), 'utf8').matchAll(
        /'((?:chat|auth|http)_[a-z_]+)'/g,
      )) {
        for (const suffix of ['', '_bucket', '_count', '_sum']) names.add(`${name}${suffix}`);
      }
    }
  }
  return names;
}

/** The names of metrics in an expression: words with an underscore, and up. */
function metricsIn(expr: string): string[] {
  const bare = expr
    .replace(/\{[^}]*\}/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/\b(by|without) \([^)]*\)/g, ' ');
  return [...bare.matchAll(/\b(up|[a-z]+(?:_[a-z0-9]+)+)\b/g)]
    .map(([name]) => name)
    .filter((name) => !/^(histogram_quantile)$/.test(name));
}
