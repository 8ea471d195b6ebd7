import { createLogger } from '../logger.ts';

/** A process for the tests of standard output: many lines, over two turns, and an end in the middle of the second. */
const LINES = 2000;
const logger = createLogger({ name: 'test', level: 'info' });
for (let n = 0; n < LINES; n++) logger.info({ n }, 'line of the first turn');
setImmediate(() => {
  for (let n = LINES; n < 2 * LINES; n++) logger.info({ n }, 'line of the second turn');
  if (process.argv[2] === 'throw') throw new Error('nobody caught this');
  process.exit(0);
});
