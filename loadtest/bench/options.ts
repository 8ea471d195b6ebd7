import { parseArgs } from 'node:util';

/** What can be measured, and what of it is compared with Socket.IO. */
export const MEASURES = {
  fanout: 'CPU per delivery, p50 and p99 at fixed rates into a room of 900; also on Socket.IO',
  floor: 'CPU of one send() by a C program, with the same sockets and bytes',
  ceiling: 'deliveries/s at p99 <= 200 ms into a room of 900; also on Socket.IO',
  idle: 'RSS per idle socket and upgrades/s, one process; also on Socket.IO',
  upgrades: 'the same as idle',
  hop: 'relay from one replica to another, idle (needs two)',
  sends: 'acknowledged sends/s into one room with nobody listening, and redis-benchmark',
  rooms: '10,000 rooms of 10 against one of 900',
  gateway: 'the fan-out through HAProxy',
  presence: '5,000 sockets told of changes on 20 servers, and 500 reads of /users/online a second',
  pages: 'pages of history/s, and an empty Koa handler with the same bytes (needs wrk)',
  logins: 'logins/s, and bcrypt alone',
  abuse: 'CPU and memory that each frame and route buys, to a message of as many bytes',
} as const;
export type Measure = keyof typeof MEASURES;

export interface Options {
  only: ReadonlySet<Measure>;
  /** Seconds of one measured run, and of the warm-up before it. */
  duration: number;
  warm: number;
  /** Seconds of one step in the search for a ceiling. */
  step: number;
  /** Seconds before memory is weighed: V8 collects the garbage of a storm of upgrades only after some 20 s of quiet. */
  settle: number;
  replicas: number;
  /** Measure Socket.IO as well. */
  peers: boolean;
  curve: boolean;
  /** Write into docs what the documents take their figures from. */
  publish: boolean;
  /** Where the replicas write CPU profiles. */
  profile: string | undefined;
  /** Nice value of all that the bench runs; undefined: as it is. */
  nice: number | undefined;
  /** Default: C where there is a compiler. */
  generator: 'C' | 'JavaScript' | undefined;
  help: boolean;
}

export const HELP = `npm run bench -- [options]

  --only a,b      measure only these:
${Object.entries(MEASURES)
  .map(([name, what]) => `                  ${name.padEnd(9)} ${what}`)
  .join('\n')}
  --quick         short runs: minutes instead of a quarter of an hour, less exact
  --duration s    seconds of one measured run (10; with --quick 4)
  --replicas n    realtime replicas, and as many processes of Socket.IO (3)
  --no-peers      without Socket.IO
  --curve         instead: the capacity curve for 1 to 4 replicas and rooms of 10, 100 and 1,000
  --publish       if nothing was lost, also write docs/figures/bench.json, or with --curve docs/figures/capacity.json
                  and docs/images/capacity.svg; for full runs with the generator in C
  --profile dir   CPU profiles of the replicas, of all their life, written to the directory when they end
  --nice n        nice value of all that the bench runs; below 0 it needs root: for a machine that does other work
  --generator x   c or js: how the load generator runs; by default C where there is a compiler
  --help

Writes loadtest/results/<time>-bench (or -curve)/summary.json and report.md after each measure. Ends with 1 when this
cluster lost something at a rate that it should carry, and with 2 for wrong options. Ratios of one run are worth more
than the figures themselves, which depend on the machine and on what else runs on it.`;

/** As npm start has it. */
const MOST_REPLICAS = 64;

/** @throws Error with what is wrong with the arguments, in one line. */
export function readOptions(args: string[]): Options {
  const values = parse(args);
  const { quick } = values;
  refuseTogether(values);
  const replicas = wholeNumber('replicas', values.replicas, 3, MOST_REPLICAS);
  return {
    only: measures(values.only, replicas),
    duration: wholeNumber('duration', values.duration, quick ? 4 : 10),
    warm: quick ? 1 : 2,
    step: quick ? 3 : 5,
    settle: quick ? 30 : 40,
    replicas,
    peers: values.peers,
    curve: values.curve,
    publish: values.publish,
    profile: values.profile,
    nice: niceValue(values.nice),
    generator: values.publish ? 'C' : generatorKind(values.generator),
    help: values.help,
  };
}

type Values = ReturnType<typeof parse>;

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowNegative: true,
      options: {
        only: { type: 'string' },
        duration: { type: 'string' },
        replicas: { type: 'string' },
        quick: { type: 'boolean', default: false },
        peers: { type: 'boolean', default: true },
        curve: { type: 'boolean', default: false },
        publish: { type: 'boolean', default: false },
        profile: { type: 'string' },
        generator: { type: 'string' },
        nice: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    // The first sentence says it; what follows is about a convention of parseArgs.
    throw new Error((error as Error).message.split('. ')[0]!);
  }
}

/** @throws Error for options of which one would do nothing, or would publish what is no full run. */
function refuseTogether({
  curve,
  publish,
  quick,
  peers,
  only,
  replicas,
  duration,
  profile,
  generator,
}: Values) {
  const given: Record<string, boolean> = {
    '--only': only !== undefined,
    '--replicas': replicas !== undefined,
    '--duration': duration !== undefined,
    '--no-peers': !peers,
    '--profile': profile !== undefined,
    '--quick': quick,
    '--generator js': generator === 'js',
  };
  const refuse = (option: string, others: string[]) => {
    const found = others.filter((other) => given[other]);
    if (found.length > 0) throw new Error(`${option} does not go together with ${found.join(', ')}`);
  };
  if (curve) refuse('--curve', ['--only', '--replicas', '--duration', '--no-peers', '--profile']);
  if (publish) refuse('--publish', ['--only', '--no-peers', '--profile', '--quick', '--generator js']);
}

function measures(text: string | undefined, replicas: number): Set<Measure> {
  const all = Object.keys(MEASURES) as Measure[];
  if (text === undefined) return new Set(all.filter((name) => name !== 'hop' || replicas > 1));
  const only = new Set(text.split(',') as Measure[]);
  for (const name of only) {
    if (!all.includes(name)) throw new Error(`nothing to measure is called "${name}": ${all.join(', ')}`);
  }
  if (only.has('hop') && replicas === 1) throw new Error('hop needs at least two replicas');
  return only;
}

function generatorKind(text: string | undefined): Options['generator'] {
  if (text === undefined) return undefined;
  const kind = ({ c: 'C', js: 'JavaScript' } as const)[text];
  if (!kind) throw new Error('--generator must be c or js');
  return kind;
}

function niceValue(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < -20 || value > 19) throw new Error('--nice must be from -20 to 19');
  return value;
}

function wholeNumber(name: string, text: string | undefined, fallback: number, most?: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= (most ?? value)) return value;
  throw new Error(`--${name} must be a whole number, ${most ? `from 1 to ${most}` : 'at least 1'}`);
}
