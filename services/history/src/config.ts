import { flag, httpSchema, integer, port } from '@chat/kit';
import type { z } from 'zod';

/** The environment variables of the history service, beside those of all HTTP services. */
export const schema = httpSchema.extend({
  PORT: port.default(3002),
  /** Rooms that one user may make, open or join within an hour. */
  ROOMS_PER_USER: integer(1).default(1000),
  /** Whether servers written to the tutorial are told of private rooms; the same as for the replicas. */
  SHARE_PRIVATE: flag.default(true),
});

export type Config = Readonly<z.output<typeof schema>>;
