import { Bench } from './bench.ts';
import { measureFanout } from './measures/fanout.ts';
import { measureIdle } from './measures/idle.ts';
import { readOptions } from './options.ts';
import { ChatTarget } from './targets/chat.ts';

const bench = new Bench(readOptions(process.argv.slice(2)));
const { only, nodeOptions } = bench.options;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => void bench.stop().then(() => process.exit(130)));
}
const env = nodeOptions ? { NODE_OPTIONS: nodeOptions } : {};
const log = (line: string) => bench.log(line);
try {
  if (only.includes('idle') || only.includes('upgrades')) {
    const one = bench.keep(await ChatTarget.start({ replicas: 1, env, log }));
    await measureIdle(bench, one);
    await one.stop();
  }
  if (only.includes('fanout')) {
    const chat = bench.keep(await ChatTarget.start({ replicas: 3, env, log }));
    await measureFanout(bench, chat, [20, 100, 300, 1000]);
  }
} finally {
  await bench.stop();
}
