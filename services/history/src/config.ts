import { httpSchema, integer, port } from '@chat/kit';
import type { z } from 'zod';

/** The environment variables of the history service, beside those of all HTTP services. */
export const schema = httpSchema.extend({
  PORT: port.default(3002),
  /** Rooms that one user may make, open or join within an hour. */
  ROOMS_PER_USER: integer(1).default(1000),
});

export type Config = Readonly<z.output<typeof schema>>;
