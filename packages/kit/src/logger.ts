import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import { CENSOR, SECRET_FIELDS, withoutSecrets } from './secrets.ts';

export type { Logger } from 'pino';

interface LoggerOptions {
  /** The service, in every line. */
  name: string;
  level: string;
  serverId?: string;
  /** Standard output unless given. */
  destination?: DestinationStream;
}

/** The fields of child loggers do not pass the formatter, but they pass these. */
const CENSORS = Object.fromEntries(Array.from(SECRET_FIELDS, (field) => [field, () => CENSOR]));

/** JSON lines on standard output; secrets are blacked out in a line, in the objects of it and in errors. */
export function createLogger({ name, level, serverId, destination }: LoggerOptions): Logger {
  const options = {
    name,
    level,
    base: serverId === undefined ? {} : { serverId },
    timestamp: stdTimeFunctions.isoTime,
    // Not pino's redact: its wildcards cost 16 to 28 us a line, a fifth of a request.
    formatters: { log: withoutSecrets },
    // The formatter has made an object of it already.
    serializers: { ...CENSORS, err: (error: unknown) => error },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
