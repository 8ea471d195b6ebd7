import { setTimeout as sleep } from 'node:timers/promises';
import type { Generator, Stream } from './generator/generator.ts';
import type { Target } from './targets/target.ts';

/** The room that everyone is in from the start, on both kinds of servers. */
export const ROOM = '0';
/** The default of the setting of this name: messages that a room keeps. */
export const ROOM_LIMIT = 100_000;
/** Presence events and what the opening allocated are over by then, in milliseconds. */
const SETTLE_MS = 2500;
const SENDERS_PER_SERVER = 3;

/** Where sockets can be opened. */
export type Place = Pick<Target, 'name' | 'wire' | 'path' | 'servers' | 'tokens'>;

/** Opens sockets as {@link connect} does, and lets them settle. @throws when one is refused or closed again. */
export async function openSockets(target: Place, generator: Generator, sockets: number): Promise<void> {
  await connect(target, generator, sockets);
  await sleep(SETTLE_MS);
  await checkOpen(target, generator);
}

/** Opens sockets spread evenly over the servers, labelled by server. @throws when one is refused. */
export async function connect(target: Place, generator: Generator, sockets: number): Promise<void> {
  const tokens = await target.tokens(sockets);
  const { servers, wire, path } = target;
  for (const [label, { port }] of servers.entries()) {
    const first = Math.floor((sockets * label) / servers.length);
    const end = Math.floor((sockets * (label + 1)) / servers.length);
    const opened = await generator.open({
      label,
      port,
      count: end - first,
      wire,
      path,
      tokens: tokens?.slice(first, end),
    });
    if (opened.failed > 0)
      throw new Error(`${target.name}: ${opened.failed} sockets were refused: ${opened.firstError}`);
  }
}

/** @throws when a socket that was opened is closed again */
export async function checkOpen({ name }: Place, generator: Generator): Promise<void> {
  const { closed, closeCode, firstClosed, firstError } = await generator.count();
  if (closed === 0) return;
  throw new Error(
    `${name}: ${closed} sockets (the first is number ${firstClosed}) were closed again, ` +
      `code ${closeCode} ${firstError}`,
  );
}

/** A few senders into one room, alternating between the servers. */
export function senders(target: Target, sockets: number, members = sockets): Stream[] {
  const { length } = target.servers;
  return Array.from({ length: SENDERS_PER_SERVER * length }, (_, n) => ({
    socket: Math.floor((sockets * (n % length)) / length) + Math.floor(n / length),
    room: ROOM,
    members,
  }));
}
