import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

const SECRET_FIELDS = ['password', 'token', 'cookie', 'authorization', 'set-cookie'];

interface LoggerOptions {
  /** The service, in every line. */
  name: string;
  level: string;
  serverId?: string;
  /** Standard output unless given. */
  destination?: DestinationStream;
}

/** JSON lines on standard output; secrets are blacked out at the top level and in any object of a line. */
export function createLogger({ name, level, serverId, destination }: LoggerOptions): Logger {
  const options = {
    name,
    level,
    base: serverId === undefined ? {} : { serverId },
    timestamp: stdTimeFunctions.isoTime,
    serializers: { err: stdSerializers.err },
    redact: { paths: SECRET_FIELDS.flatMap((field) => redactedPaths(field)), censor: '***' },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

function redactedPaths(field: string): string[] {
  return [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`];
}
