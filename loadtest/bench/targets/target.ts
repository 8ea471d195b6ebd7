import type { Wire } from '../generator/generator.ts';

/** Servers to be measured: several processes that share one Redis. */
export interface Target {
  readonly name: string;
  readonly wire: Wire;
  readonly path: string;
  /** One process of the servers each, with the port that leads to it. */
  readonly servers: readonly { pid: number; port: number }[];
  readonly redisPid: number;
  /** Sessions of as many users; undefined where there are none. */
  tokens(count: number): Promise<string[] | undefined>;
  /** Messages that Redis holds of a room. */
  stored(room: string): Promise<number>;
  stop(): Promise<void>;
}
