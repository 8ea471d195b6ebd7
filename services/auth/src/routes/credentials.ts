import { z } from 'zod';

/** The body of /login and /register. */
export const credentials = z.object({
  username: z.string('expected a string'),
  password: z.string('expected a string'),
});
