import type { Logger } from '@chat/kit';
import {
  CLUSTER_CHANNEL,
  envelopePrefix,
  FOR_FOREIGN_SERVERS,
  parseEnvelope,
  type RoomId,
  readMessage,
} from '@chat/protocol';
import type { Incoming } from './chain.ts';
import { messageFrame } from './frames-out.ts';
import type { RealtimeMetrics } from './metrics.ts';
import { readRelayed } from './relay-frame.ts';

/** Bytes of an envelope: the largest message escaped in full is 25 KB, the largest presence event 60 KB. */
const MAX_ENVELOPE_BYTES = 128 * 1024;

const CLUSTER = Buffer.from(CLUSTER_CHANNEL);

/** How an envelope begins that tells this cluster nothing new. */
const FOR_FOREIGN = Buffer.from(envelopePrefix(FOR_FOREIGN_SERVERS));

/** What follows the prefix of an own heartbeat. */
const HEARTBEAT = Buffer.from('"type":"server.heartbeat"');

interface RelayOptions {
  serverId: string;
  metrics: RealtimeMetrics;
  logger: Logger;
  onMessage: (roomId: RoomId, message: Incoming) => void;
  /** A server written to the tutorial, or one of this cluster, told what such servers know. */
  onEvent: (type: string, data: unknown, serverId: string) => void;
  /** A server of this cluster told the others something. */
  onClusterEvent: (type: string, data: unknown, serverId: string) => void;
  /** The own heartbeat came back. */
  onHeartbeat: (envelope: Buffer) => void;
}

/** Reads what all servers publish on MESSAGES, and those of this cluster on their own channel. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #prefix: Buffer;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#prefix = Buffer.from(envelopePrefix(options.serverId));
  }

  /** @param envelope is changed */
  receive(channel: Buffer, envelope: Buffer): void {
    const { metrics, logger } = this.#options;
    if (startsWith(envelope, this.#prefix)) {
      this.#receiveOwn(channel, envelope);
      return;
    }
    if (startsWith(envelope, FOR_FOREIGN)) return;
    if (envelope.length > MAX_ENVELOPE_BYTES) {
      metrics.ignored('too_large');
      return;
    }
    try {
      this.#receiveForeign(channel, envelope);
    } catch (err) {
      // Nothing that comes over the channel may end the process.
      logger.error({ err }, 'envelope failed');
    }
  }

  #receiveOwn(channel: Buffer, envelope: Buffer): void {
    const start = this.#prefix.length;
    const isHeartbeat =
      CLUSTER.equals(channel) &&
      HEARTBEAT.compare(envelope, start, Math.min(start + HEARTBEAT.length, envelope.length)) === 0;
    if (isHeartbeat) this.#options.onHeartbeat(envelope);
    else this.#options.metrics.echoes++;
  }

  #receiveForeign(channel: Buffer, envelope: Buffer): void {
    const { metrics, onMessage, onEvent, onClusterEvent } = this.#options;
    const message = readRelayed(envelope);
    if (message) {
      metrics.relayed++;
      metrics.relayLatency(Date.now() / 1000 - message.date);
      onMessage(message.roomId, message);
      return;
    }
    const parsed = parseEnvelope(envelope.toString());
    if (!parsed) metrics.ignored('malformed');
    else if (parsed.type === 'message') this.#receiveParsed(parsed.data);
    else if (CLUSTER.equals(channel)) onClusterEvent(parsed.type, parsed.data, String(parsed.serverId));
    else onEvent(parsed.type, parsed.data, String(parsed.serverId));
  }

  /** A message in a foreign server's layout, or of a cluster version that writes more fields. */
  #receiveParsed(data: unknown): void {
    const { metrics, onMessage } = this.#options;
    const message = readMessage(data);
    if (!message) {
      metrics.ignored('malformed');
      return;
    }
    metrics.relayed++;
    metrics.relayedSlow++;
    const json = JSON.stringify(message);
    const { roomId, date, prev } = message;
    onMessage(roomId, {
      date,
      prev,
      frame: messageFrame(json),
      identity: prev === undefined ? json : undefined,
    });
  }
}

function startsWith(envelope: Buffer, prefix: Buffer): boolean {
  return envelope.length > prefix.length && prefix.compare(envelope, 0, prefix.length) === 0;
}
