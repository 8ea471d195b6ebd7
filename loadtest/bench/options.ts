import { parseArgs } from 'node:util';

export const MEASURES = ['fanout', 'idle', 'upgrades'] as const;
export type Measure = (typeof MEASURES)[number];

export interface Options {
  only: readonly Measure[];
  /** Seconds of one measured run, and of the warm-up before it. */
  duration: number;
  warm: number;
  /** Seconds that sockets are idle before they are weighed. */
  settle: number;
  /** Given to the replicas as NODE_OPTIONS, for profiles. */
  nodeOptions: string | undefined;
}

export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      duration: { type: 'string' },
      quick: { type: 'boolean', default: false },
      'node-options': { type: 'string' },
    },
  });
  const only = (values.only?.split(',') ?? [...MEASURES]) as Measure[];
  for (const name of only)
    if (!MEASURES.includes(name)) throw new Error(`nothing to measure is called ${name}`);
  return {
    only,
    duration: Number(values.duration ?? (values.quick ? 4 : 10)),
    warm: values.quick ? 1 : 2,
    settle: values.quick ? 5 : 15,
    nodeOptions: values['node-options'],
  };
}
