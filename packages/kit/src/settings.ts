import { z } from 'zod';

/** Shared pieces of configuration schemas: each reads the text of an environment variable. */

/** A TCP port; 0 means a free one. */
export const port = z
  .string()
  .regex(/^\d{1,5}$/, 'expected a port')
  .transform(Number)
  .refine((value) => value <= 65_535, 'expected a port');

const FLAGS: Record<string, boolean> = { true: true, on: true, 1: true, false: false, off: false, 0: false };

/** true, on or 1; false, off or 0. */
export const flag = z
  .string()
  .toLowerCase()
  .refine((value) => Object.hasOwn(FLAGS, value), 'expected true, false, on, off, 1 or 0')
  .transform((value) => FLAGS[value] === true);

/** A whole number within bounds, both included. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const expected =
    max === Number.MAX_SAFE_INTEGER
      ? `expected a whole number, at least ${min}`
      : `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d{1,15}$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

/** A time in milliseconds, at most 24 days: the longest that a timer of Node takes. */
export const milliseconds = z
  .string()
  .regex(/^\d{1,10}$/, 'expected milliseconds')
  .transform(Number)
  .refine((value) => value <= 2_147_483_647, 'expected milliseconds');

/** Texts with commas between them. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

/** Origins with commas between them, in the spelling that a browser sends. */
export const origins = list
  .refine((items) => items.every((item) => originOf(item) !== undefined), {
    message: 'expected origins like https://chat.example.org with commas between them',
  })
  .transform((items) => items.map((item) => originOf(item)!));

/** The address of a Redis server: redis:// or rediss://. */
export const redisUrl = z.string().refine(isRedisUrl, 'expected redis://host:port or rediss://host:port');

export interface HostPort {
  host: string;
  port: number;
}

/** Addresses as host:port with commas between them; an IPv6 address stands in brackets. */
export function hostPorts(defaultPort: number) {
  return list
    .refine((items) => items.every((item) => hostPortOf(item, defaultPort) !== undefined), {
      message: 'expected host:port with commas between them',
    })
    .transform((items) => items.map((item) => hostPortOf(item, defaultPort)!));
}

/** A level of pino. */
export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
  error: 'expected trace, debug, info, warn, error, fatal or silent',
});

/** The same text with the password of a URL blacked out, for logs and messages. */
export function withoutPassword(url: string): string {
  // Not new URL(): what cannot be parsed must not give its password away either. The last @ ends the password.
  return url.replace(/^([a-z][a-z+.-]*:\/\/[^:/?#@]*):.*@/i, '$1:***@');
}

function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, origin } = new URL(text);
  return protocol === 'http:' || protocol === 'https:' ? origin : undefined;
}

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, username, password } = new URL(text);
  const whole = hostname !== '' && /^(?:\/\d{0,5})?$/.test(pathname);
  return /^rediss?:$/.test(protocol) && whole && isEscaped(username) && isEscaped(password);
}

/** A percent sign on its own is a bad escape. */
function isEscaped(text: string): boolean {
  return !/%(?![\da-f]{2})/i.test(text);
}

function hostPortOf(text: string, defaultPort: number): HostPort | undefined {
  const [, host, port] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const number = port === undefined ? defaultPort : Number(port);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: number };
}
