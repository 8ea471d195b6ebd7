import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import type { AbuseCost } from './measures/abuse.ts';
import type { Ceiling } from './measures/ceiling.ts';
import type { FanoutPoint } from './measures/fanout.ts';
import type { Floor } from './measures/floor.ts';
import type { GatewayPoint } from './measures/gateway.ts';
import type { Hop } from './measures/hop.ts';
import type { Idle } from './measures/idle.ts';
import type { Logins } from './measures/logins.ts';
import type { PagesOfHistory } from './measures/pages.ts';
import type { OnlineCost, PresenceCost } from './measures/presence.ts';
import type { ManyRooms } from './measures/rooms.ts';
import type { Sends } from './measures/sends.ts';

/** What is measured on both kinds of servers. */
export interface ServerResults {
  fanout?: FanoutPoint[];
  ceiling?: Ceiling;
  idle?: Idle;
}

export interface Results {
  startedAt: string;
  machine: Machine;
  replicas: number;
  durationSeconds: number;
  chat: ServerResults & {
    hop?: Hop;
    sends?: Sends;
    rooms?: ManyRooms;
    gateway?: GatewayPoint[];
    presence?: PresenceCost;
    online?: OnlineCost;
    pages?: PagesOfHistory;
    logins?: Logins;
    abuse?: AbuseCost[];
  };
  socketio: ServerResults;
  floor?: Floor[];
}

export interface Machine {
  cores: number;
  cpu: string;
  memoryGb: number;
  kernel: string;
  node: string;
  redis: string;
  generator: string;
}

export function describeMachine(generator: string): Machine {
  const cores = cpus();
  return {
    cores: cores.length,
    cpu: cores[0]?.model.trim() ?? '',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    // Without what a distribution or a host adds.
    kernel: release().replace(/-.*/, ''),
    node: process.version,
    redis: version('redis-server', ['--version'], /v=(\S+)/),
    generator,
  };
}

function version(command: string, args: string[], pattern: RegExp): string {
  try {
    return pattern.exec(execFileSync(command, args, { encoding: 'utf8' }))?.[1] ?? '';
  } catch {
    return '';
  }
}
