import { Lifecycle } from '../lifecycle.ts';
import { createLogger } from '../logger.ts';

/** A process for the tests of Lifecycle: waits for a signal, hangs at its end, or fails. */
const logger = createLogger({ name: 'test', level: 'info' });
const lifecycle = new Lifecycle({ logger, timeoutMs: 20_000 }).listen();
const alive = setInterval(() => undefined, 1000);
const mode = process.argv[2];

lifecycle.onShutdown('step', async () => {
  if (mode === 'hang') await new Promise(() => undefined);
  logger.info('step done');
  clearInterval(alive);
});
logger.info('started');
if (mode === 'throw') setTimeout(() => failLoudly(), 1);
if (mode === 'reject redis') void Promise.reject(new Error('Connection is closed.'));
if (mode === 'reject') void Promise.reject(new Error('nobody caught this'));

function failLoudly(): never {
  throw new Error('nobody caught this');
}
