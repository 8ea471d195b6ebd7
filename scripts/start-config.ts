import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

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
  return result.data;
}
