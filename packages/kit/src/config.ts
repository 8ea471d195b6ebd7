import { z } from 'zod';
import {
  flag,
  hostPorts,
  integer,
  logLevel,
  milliseconds,
  origins,
  port,
  redisUrl,
  withoutPassword,
} from './settings.ts';

/** The environment variables that every service reads. */
export const baseSchema = z.object({
  PORT: port.default(0),
  HOST: z.string().min(1).default('0.0.0.0'),
  REDIS_URL: redisUrl.default('redis://127.0.0.1:6379'),
  /** For a REDIS_URL without one; here no character needs an escape. */
  REDIS_PASSWORD: z.string().optional(),
  /** Sentinels that know the master; of REDIS_URL then only user, password, database and TLS count. */
  REDIS_SENTINELS: hostPorts(26_379).default([]),
  /** What the sentinels call the master. */
  REDIS_SENTINEL_NAME: z.string().default('mymaster'),
  /** Of the sentinels themselves. */
  REDIS_SENTINEL_PASSWORD: z.string().optional(),
  /** After this time without an answer Redis counts as away for that request. */
  REDIS_TIMEOUT_MS: milliseconds.default(2000),
  /** A session that nobody uses for so long ends. The same in all services, as each renews what is used by its own. */
  SESSION_TTL_SECONDS: integer(60, 10 * 365 * 86_400).default(2_592_000),
  LOG_LEVEL: logLevel.default('info'),
  /** Origins that may call with credentials beside those of the service's own host name. */
  ALLOWED_ORIGINS: origins.default([]),
  /** off lifts the rate and count limits, for load tests; sizes stay limited. */
  LIMITS: flag.default(true),
  /** Believe X-Forwarded-For and X-Forwarded-Proto: only behind a gateway that sets them. */
  TRUST_PROXY: flag.default(false),
  /** The hard end of a shutdown. */
  SHUTDOWN_TIMEOUT_MS: milliseconds.default(10_000),
});

export type BaseConfig = Readonly<z.output<typeof baseSchema>>;

/** A start with bad settings; the message has one line for each bad variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Env = Record<string, string | undefined>;

/**
 * Reads the settings of a service. An empty variable counts as unset.
 *
 * @throws ConfigError that names every bad variable and why it is bad, without printing a password.
 */
export function loadConfig<S extends z.ZodObject>(schema: S, env: Env = process.env): Readonly<z.output<S>> {
  const given: Env = {};
  for (const name of Object.keys(schema.shape)) {
    const value = env[name]?.trim();
    if (value) given[name] = value;
  }
  const result = schema.safeParse(given);
  if (result.success) return Object.freeze(result.data);
  throw new ConfigError(result.error.issues.map((issue) => explain(issue, given)).join('\n'));
}

/** {@link loadConfig} for a main.ts: bad settings are told on stderr and end the process with code 1. */
export function loadConfigOrExit<S extends z.ZodObject>(schema: S): Readonly<z.output<S>> {
  try {
    return loadConfig(schema);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`bad configuration\n${error.message}\n`);
    process.exit(1);
  }
}

function explain(issue: z.core.$ZodIssue, given: Env): string {
  const name = String(issue.path[0] ?? 'configuration');
  const value = given[name];
  if (value === undefined) return `${name}: ${issue.message}, but it is not set`;
  return `${name}: ${issue.message}, got ${JSON.stringify(printable(name, value))}`;
}

function printable(name: string, value: string): string {
  if (/PASSWORD|SECRET|TOKEN/.test(name)) return '***';
  return withoutPassword(value).slice(0, 100);
}
