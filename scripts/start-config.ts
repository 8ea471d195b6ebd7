import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, loadConfig } from '@chat/kit';
import { z } from 'zod';
import { schema as auth } from '../services/auth/src/config.ts';
import { schema as history } from '../services/history/src/config.ts';
import { configSchema as realtime } from '../services/realtime/src/config.ts';
import { nearMiss } from './near-miss.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const port = z.coerce.number('expected a port').int('expected a port').min(1, 'expected a port').max(65_535);

const count = (most: number) =>
  z.coerce
    .number('expected a whole number')
    .int('expected a whole number')
    .min(1, 'expected at least 1')
    .max(most, `expected at most ${most}`);

const schema = z.object({
  PORT: port.default(8080),
  SOCKET_PORT: port.default(8081),
  STATS_PORT: port.optional(),
  /** The gateway reads it itself. */
  GATEWAY_THREADS: count(64).optional(),
  REPLICAS: count(64).default(3),
  DATA_DIR: z
    .string()
    .default('.data')
    .transform((path) => resolve(root, path)),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, 'expected redis://host:port')
    .optional(),
  /** For a REDIS_URL without one; the services read it themselves too. */
  REDIS_PASSWORD: z.string().optional(),
  REDIS_SENTINELS: z.undefined('npm start takes one Redis, by REDIS_URL').optional(),
  /** The services read it themselves; here it decides whether the demo users are named. */
  DEMO_DATA: z
    .string()
    .default('true')
    .transform((text) => !/^(false|off|0)$/i.test(text)),
});

const SERVICES = [auth, history, realtime];
/** npm start gives each service its own value of these, whatever the environment says. */
const GIVEN = [
  'PORT',
  'HOST',
  'REDIS_URL',
  'TRUST_PROXY',
  'SOCKET_PORT',
  'SOCKET_URL',
  'GATEWAY_URL',
  'WEB_DIR',
];
/** The gateway reads these itself (haproxy.cfg). */
const GATEWAY = ['GATEWAY_FD_LIMIT', 'TRUSTED_PROXIES', 'PUBLIC_PROTO'];
const KNOWN = new Set([
  ...Object.keys(schema.shape),
  ...SERVICES.flatMap(({ shape }) => Object.keys(shape)),
  ...GATEWAY,
]);
const OFFERED = [...KNOWN].filter((name) => name in schema.shape || !GIVEN.includes(name));

export type Settings = z.output<typeof schema>;

/** A setting of npm start is wrong; the message has a line for each one. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Reads the settings of npm start; an empty variable counts as unset. Throws SettingsError. */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.keys(schema.shape).map((name) => [name, env[name] || undefined]);
  const result = schema.safeParse(Object.fromEntries(given));
  if (!result.success) {
    const lines = result.error.issues.map(({ path: [name], message }) => `${String(name)}: ${message}`);
    throw new SettingsError(lines.join('\n'));
  }
  if (result.data.PORT === result.data.SOCKET_PORT) {
    throw new SettingsError('PORT and SOCKET_PORT have to differ');
  }
  checkNames(env);
  const handedOn = { ...env, ...Object.fromEntries(GIVEN.map((name) => [name, undefined])) };
  // Those of all services are named once.
  const problems = SERVICES.flatMap((service) => problemsOf(service, handedOn));
  if (problems.length > 0) throw new SettingsError([...new Set(problems)].join('\n'));
  return result.data;
}

/** Other variables belong to other programs, so only those that look like a slip are refused. */
function checkNames(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) {
    // `npm start --replicas=5`: npm takes the flag for its own and hands it on as npm_config_replicas.
    const flag = /^npm_config_(?!loglevel$)(.+)/.exec(name)?.[1];
    const meant = env[name] && !KNOWN.has(name) && nearMiss(flag ?? name, OFFERED);
    if (!meant) continue;
    throw new SettingsError(
      flag
        ? `--${flag}: npm start takes no such flag; set ${meant}=… before it, as in ${meant}=… npm start`
        : `${name}: unknown; did you mean ${meant}? Unset it if it belongs to another program`,
    );
  }
}

function problemsOf(service: z.ZodObject, env: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig(service, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
}
