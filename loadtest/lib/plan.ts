import { config } from './config.ts';
import type { Load } from './profiles.ts';
import { ensureRooms, type LoadRoom } from './rooms.ts';
import { checkTarget, findSockets, type Sockets } from './target.ts';
import { type Account, logIn, userNames } from './users.ts';

/** What setup() hands to every VU: who takes part, where, and when. Times are milliseconds since 1970. */
export interface Plan extends Sockets {
  /** Tells this run's messages from those of others. */
  run: string;
  owner: Account;
  accounts: Account[];
  rooms: LoadRoom[];
  connectFrom: number;
  sendFrom: number;
  sendUntil: number;
  /** Whoever is not through by then gives up, though messages may still arrive. */
  deadline: number;
}

/** Clients have connected for so long when the first message is sent. */
const SETTLE_MS = 1000;
/** A generator that cannot keep up may read for so long what has arrived long ago: late is not lost. */
const BACKLOG_SECONDS = 300;

/** Looks whether the cluster is there, logs the users in, and finds or makes the rooms. */
export async function makePlan(load: Load, roomNames: readonly string[]): Promise<Plan> {
  checkTarget();
  const [owner, ...accounts] = logIn([`${config.userPrefix}-owner`, ...userNames(load.users)]);
  const sockets = await findSockets(owner!.token);
  const rooms = ensureRooms(owner!, roomNames);
  const connectFrom = Date.now();
  const sendFrom = connectFrom + load.connectSeconds * 1000 + SETTLE_MS;
  const sendUntil = sendFrom + load.holdSeconds * 1000;
  return {
    run: connectFrom.toString(36),
    ...sockets,
    owner: owner!,
    accounts,
    rooms,
    connectFrom,
    sendFrom,
    sendUntil,
    deadline: sendUntil + (config.drainSeconds + BACKLOG_SECONDS) * 1000,
  };
}

/** When to stop waiting: so many seconds after the last message was sent, or the last one of the run was heard. */
export function patience(plan: Plan, heardAt: number, seconds: number): number {
  return Math.min(plan.deadline, Math.max(plan.sendUntil, heardAt) + seconds * 1000);
}

/** Seconds from the end of setup() to the deadline. */
export function planSeconds(load: Load): number {
  return load.connectSeconds + SETTLE_MS / 1000 + load.holdSeconds + config.drainSeconds + BACKLOG_SECONDS;
}
