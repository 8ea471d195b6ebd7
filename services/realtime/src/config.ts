import { baseSchema, flag, integer, milliseconds, port } from '@chat/kit';
import { LIMITS } from '@chat/protocol';
import { z } from 'zod';

/** `:8081`, the page's own host with that port, or a whole URL. */
function address(protocols: string[]) {
  return z.string().refine((text) => isAddress(text, protocols), {
    message: `expected :port or a URL with ${protocols.join(' or ')}`,
  });
}

function isAddress(text: string, protocols: string[]): boolean {
  if (/^:\d{1,5}$/.test(text)) return Number(text.slice(1)) <= 65_535;
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

const bytes = integer(1024);

export const configSchema = baseSchema.extend({
  /** One more port, which all replicas of a machine share; 0 = none. */
  SOCKET_PORT: port.default(0),
  /** Where the page finds the shared port; empty: it uses the gateway's /ws alone. */
  SOCKET_URL: address(['ws:', 'wss:']).optional(),
  /** Where a page that was opened on the replica's own port finds auth and history. */
  GATEWAY_URL: address(['http:', 'https:']).optional(),
  /** How long a room's frames are gathered at most after the first one; 0 = not at all. */
  FANOUT_WINDOW_MS: milliseconds.default(20),
  /** The fewest replicas of Redis that must have a message before it is acknowledged; 0 = none. */
  REDIS_WAIT_REPLICAS: integer(0, 100).default(0),
  /** Messages that a room keeps; 0 = all. */
  ROOM_LIMIT: integer(0).default(100_000),
  /** Whether private rooms' messages go on MESSAGES, where servers written to the tutorial give them to everybody. */
  SHARE_PRIVATE: flag.default(true),
  MESSAGES_PER_SECOND: integer(1).default(LIMITS.messagesPerSecond),
  MESSAGE_BURST: integer(1).default(LIMITS.messageBurst),
  SOCKETS_PER_USER: integer(1).default(LIMITS.socketsPerUser),
  /** Connections of the replica, of whatever kind. */
  MAX_SOCKETS: integer(1).default(50_000),
  /** Upgrades and streams that one address may ask for, valid or not. */
  UPGRADES_PER_SECOND: integer(1).default(200),
  /** As many as come back at once from behind one address, an office's, when a replica died. */
  UPGRADE_BURST: integer(1).default(5000),
  /** Frames of one socket that are no messages: joins, resumes, typing, pings, and five for what is no frame. */
  FRAMES_PER_SECOND: integer(1).default(20),
  FRAME_BURST: integer(1).default(200),
  /** Bytes that wait for a slow client before it is closed. */
  MAX_BACKPRESSURE_BYTES: bytes.default(1024 * 1024),
  /** Bytes that wait for all slow clients together; the fullest are cut before. */
  MAX_BACKPRESSURE_TOTAL_BYTES: bytes.default(256 * 1024 * 1024),
  /** Sends that wait for Redis while it is away. */
  QUEUE_MAX_MESSAGES: integer(1).default(10_000),
  QUEUE_MAX_BYTES: bytes.default(16 * 1024 * 1024),
  /** Seconds without a frame after which a client is gone; pings go out in time before. */
  IDLE_TIMEOUT_SECONDS: integer(8, 960).default(32),
  /** On SIGTERM: unready, but still serving, for so long. */
  DRAIN_GRACE_MS: milliseconds.default(2000),
  /** Sockets a second that are then asked to reconnect elsewhere. */
  DRAIN_RATE: integer(1).default(1000),
  /** Whether a replica with more sockets than its share asks some to reconnect. */
  REBALANCE: flag.default(true),
  SHUTDOWN_TIMEOUT_MS: milliseconds.default(30_000),
  /** How often it is looked whether the sessions of open sockets still exist. */
  SESSION_CHECK_MS: milliseconds.default(30_000),
  /** Where the page was built; without it there is none. */
  WEB_DIR: z.string().optional(),
  /** What the replica's id begins with, before a random part; unset: the host name. */
  SERVER_ID: z
    .string()
    .regex(/^[\w.:-]{1,64}$/, 'expected 1 to 64 letters, digits and ._:-')
    .optional(),
});

export type Config = Readonly<z.output<typeof configSchema>>;
