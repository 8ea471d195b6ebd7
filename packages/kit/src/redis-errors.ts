/** Replies of a Redis that cannot serve now: loading, failing over, full, or not letting us in. */
const REPLIES =
  /^(?:LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MISCONF|BUSY|OOM|NOAUTH|WRONGPASS|ERR max number of clients)\b/;

/** What ioredis says when it has no connection, loses it or waits too long for an answer. */
const CLIENT_MESSAGES = [
  'Connection is closed.',
  'Command timed out',
  'Command aborted due to connection close',
  "Stream isn't writeable and enableOfflineQueue options is false",
];

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/**
 * True when an error says that Redis is away or cannot serve at the moment, so that the same command may succeed
 * later. It does not say whether the command was carried out.
 */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'MaxRetriesPerRequestError') return true;
  if (error.name === 'ReplyError') return REPLIES.test(error.message);
  if (CLIENT_MESSAGES.includes(error.message) || error.message.startsWith('Socket timeout.')) return true;
  return NETWORK.has(String((error as NodeJS.ErrnoException).code));
}
