import type { Metrics } from '@chat/kit';
import { Counter, Gauge, Histogram } from 'prom-client';

const LATENCY_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What only others know, read when metrics are rendered. */
export interface Gauges {
  sockets: () => number;
  streams: () => number;
  users: () => number;
  rooms: () => number;
  queued: () => number;
  backpressure: () => number;
}

/**
 * The metrics of a replica. What the hot paths count are plain numbers, copied into the registry when Prometheus
 * asks.
 */
export class RealtimeMetrics {
  /** Open WebSockets, those whose admission is under way or refused among them. */
  connections = 0;
  /** Frames from clients. */
  received = 0;
  /** Frames handed to sockets and streams, one for each of them. */
  delivered = 0;
  /** Messages stored for clients of this replica. */
  appended = 0;
  /** Sends that were stored already when they were tried again. */
  found = 0;
  /** Own envelopes that came back and were dropped. */
  echoes = 0;
  /** Messages relayed by other servers. */
  relayed = 0;
  /** Of those, the ones that had to be parsed. */
  relayedSlow = 0;
  /** Relayed messages that were there already. */
  duplicates = 0;
  /** Repairs that found something, and the messages they found. */
  repairs = 0;
  repaired = 0;
  /** Messages delivered though the one before them is nowhere: Redis lost it. */
  lost = 0;
  /** Sockets asked to reconnect so that other replicas get their share. */
  rebalanced = 0;
  /** Sockets closed because their client read too slowly. */
  slowConsumers = 0;
  readonly #registers: Metrics['registry'][];
  readonly #batch: Histogram;
  readonly #appendSeconds: Histogram;
  readonly #relaySeconds: Histogram;
  readonly #heartbeatSeconds: Histogram;
  readonly #upgrades: Counter<'outcome'>;
  readonly #errors: Counter<'code'>;
  readonly #envelopes: Counter<'type'>;
  readonly #closes: Counter<'code'>;

  constructor({ registry }: Metrics) {
    this.#registers = [registry];
    this.#batch = this.#histogram(
      'chat_append_batch_messages',
      'Messages that one append call stored',
      [1, 2, 4, 8, 16, 32, 64, 128, 256],
    );
    this.#appendSeconds = this.#histogram('chat_append_seconds', 'Time of one append call', LATENCY_BUCKETS);
    this.#relaySeconds = this.#histogram(
      'chat_relay_seconds',
      'From a message stored by another server to its arrival here; needs clocks in step',
      LATENCY_BUCKETS,
    );
    this.#heartbeatSeconds = this.#histogram(
      'chat_heartbeat_seconds',
      'From publishing the own heartbeat to hearing it: how long pub/sub takes',
      LATENCY_BUCKETS,
    );
    const registers = this.#registers;
    this.#upgrades = new Counter({
      name: 'chat_upgrades_total',
      help: 'Upgrades by outcome: accepted, or the code of the refusal',
      labelNames: ['outcome'],
      registers,
    });
    this.#errors = new Counter({
      name: 'chat_client_errors_total',
      help: 'Error frames by code',
      labelNames: ['code'],
      registers,
    });
    this.#envelopes = new Counter({
      name: 'chat_envelopes_ignored_total',
      help: 'Envelopes that were ignored: malformed, too large, or of a type that their channel does not have',
      labelNames: ['type'],
      registers,
    });
    this.#closes = new Counter({
      name: 'chat_closes_total',
      help: 'Sockets closed, by close code',
      labelNames: ['code'],
      registers,
    });
    this.#count('chat_frames_received_total', 'Frames from clients', () => this.received);
    this.#count('chat_frames_delivered_total', 'Frames handed to clients', () => this.delivered);
    this.#count('chat_messages_appended_total', 'Messages stored for clients', () => this.appended);
    this.#count('chat_messages_found_total', 'Retried sends that were stored already', () => this.found);
    this.#count('chat_echoes_dropped_total', 'Own envelopes heard and dropped', () => this.echoes);
    this.#count('chat_relayed_total', 'Messages relayed by other servers', () => this.relayed);
    this.#count(
      'chat_relayed_parsed_total',
      'Relayed messages that had to be parsed',
      () => this.relayedSlow,
    );
    this.#count('chat_duplicates_dropped_total', 'Messages that were there already', () => this.duplicates);
    this.#count('chat_repairs_total', 'Reads of a room that found missing messages', () => this.repairs);
    this.#count('chat_repaired_messages_total', 'Missing messages found and delivered', () => this.repaired);
    this.#count('chat_lost_predecessors_total', 'Messages whose predecessor Redis lost', () => this.lost);
    this.#count('chat_rebalanced_total', 'Sockets asked to go to other replicas', () => this.rebalanced);
    this.#count('chat_slow_consumers_total', 'Sockets closed as slow', () => this.slowConsumers);
  }

  observe(gauges: Gauges): void {
    this.#gauge('chat_sockets', 'Open WebSockets', gauges.sockets);
    this.#gauge('chat_streams', 'Open event streams', gauges.streams);
    this.#gauge('chat_users', 'Users connected to this replica', gauges.users);
    this.#gauge('chat_rooms', 'Rooms that someone here is in', gauges.rooms);
    this.#gauge('chat_append_queue_messages', 'Sends waiting for Redis', gauges.queued);
    this.#gauge('chat_backpressure_bytes', 'Bytes waiting for slow clients', gauges.backpressure);
  }

  appendBatch(messages: number, seconds: number): void {
    this.#batch.observe(messages);
    this.#appendSeconds.observe(seconds);
  }

  relayLatency(seconds: number): void {
    this.#relaySeconds.observe(Math.max(0, seconds));
  }

  heartbeatLatency(seconds: number): void {
    this.#heartbeatSeconds.observe(seconds);
  }

  upgrade(outcome: string): void {
    this.#upgrades.inc({ outcome });
  }

  clientError(code: string): void {
    this.#errors.inc({ code });
  }

  ignored(type: 'malformed' | 'too_large' | 'unknown'): void {
    this.#envelopes.inc({ type });
  }

  closed(code: number): void {
    this.#closes.inc({ code });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: this.#registers });
  }

  #count(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: this.#registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: this.#registers,
      collect() {
        this.set(read());
      },
    });
  }
}
