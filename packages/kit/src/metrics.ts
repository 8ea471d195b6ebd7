import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

interface MetricsOptions {
  service: string;
  serverId?: string;
}

/** The metrics of one process. Services add their own with `registers: [metrics.registry]`. */
export class Metrics {
  readonly registry = new Registry();
  /** Seconds from request to response, by method, matched route and status. */
  readonly httpDuration: Histogram<'method' | 'route' | 'status'>;

  constructor({ service, serverId }: MetricsOptions) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.registry });
    this.httpDuration = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from request to response',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [this.registry],
    });
    // The id is new at each start: one info series carries it, so that not every series is new.
    const info = new Gauge({
      name: 'chat_server_info',
      help: 'Always 1; the labels say which process this is',
      labelNames: ['server_id', 'node_version'],
      registers: [this.registry],
    });
    info.set({ server_id: serverId ?? '', node_version: process.version }, 1);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** All metrics in Prometheus' text format. */
  render(): Promise<string> {
    return this.registry.metrics();
  }
}

export function createMetrics(options: MetricsOptions): Metrics {
  return new Metrics(options);
}
