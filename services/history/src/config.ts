import { httpSchema, integer, port } from '@chat/kit';
import type { z } from 'zod';

/** The environment variables of the history service, beside those of all HTTP services. */
export const schema = httpSchema.extend({
  PORT: port.default(3002),
  /** Rooms that one user may make, open or join within an hour. */
  ROOMS_PER_USER: integer(1).default(1000),
  /** A session that is not used for so long ends; reading history is a use. */
  SESSION_TTL_SECONDS: integer(1, 10 * 365 * 86_400).default(2_592_000),
});

export type Config = Readonly<z.output<typeof schema>>;
