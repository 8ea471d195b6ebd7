import { availableParallelism } from 'node:os';
import { flag, httpSchema, integer, port } from '@chat/kit';
import { z } from 'zod';

const TUTORIAL = 'https://github.com/redis-developer/basic-redis-chat-app-demo-python';

/** The environment variables of the auth service, beside those of all HTTP services. */
export const schema = httpSchema.extend({
  PORT: port.default(3001),
  /** A login with an unknown name registers it, as in the tutorial. */
  AUTO_REGISTER: flag.default(true),
  /** Each step doubles the work of a password check. */
  BCRYPT_COST: integer(4, 15).default(10),
  /** Password checks at the same time. The default leaves one of the 4 threads of Node's pool for DNS and files. */
  BCRYPT_CONCURRENCY: integer(1, 64).default(Math.min(3, availableParallelism())),
  /** Password checks that may wait; beyond them a login is answered busy. LIMITS=off lifts it. */
  BCRYPT_QUEUE: integer(0, 100_000).default(128),
  /** Attempts for one name and failed attempts from one address within a window. */
  LOGIN_ATTEMPTS_PER_NAME: integer(1).default(20),
  LOGIN_ATTEMPTS_PER_ADDRESS: integer(1).default(100),
  LOGIN_WINDOW_SECONDS: integer(1, 86_400).default(300),
  /** Users that one address may register within an hour. */
  REGISTRATIONS_PER_ADDRESS: integer(1).default(500),
  /** Sessions of a user; a login beyond them ends those that were not used for longest. LIMITS=off lifts it. */
  SESSIONS_PER_USER: integer(1).default(100),
  /** For POST /admin/revoke, which is not there without it. */
  ADMIN_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{32,256}$/, 'expected 32 to 256 printable characters without blanks')
    .optional(),
  /** What GET /links calls github. */
  GITHUB_URL: z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' }).default(TUTORIAL),
});

export type Config = Readonly<z.output<typeof schema>>;
