import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Bench } from './bench.ts';
import { measureCeiling } from './measures/ceiling.ts';
import { FANOUT_SOCKETS, measureFanout } from './measures/fanout.ts';
import { measureFloor } from './measures/floor.ts';
import { measureGateway } from './measures/gateway.ts';
import { measureHop } from './measures/hop.ts';
import { measureIdle } from './measures/idle.ts';
import { measureLogins } from './measures/logins.ts';
import { measurePages } from './measures/pages.ts';
import { measureRooms } from './measures/rooms.ts';
import { measureSends } from './measures/sends.ts';
import type { Measure } from './options.ts';
import type { Results } from './results.ts';
import { openSockets, senders } from './room.ts';
import { ChatTarget } from './targets/chat.ts';
import { SocketIoTarget } from './targets/socketio.ts';
import type { Target } from './targets/target.ts';

/** Messages a second into the room of 900. */
const RATES = [20, 100, 300, 1000];
/** Socket.IO does not carry the rest. */
const PEER_RATES = [20, 100, 300];
const GATEWAY_RATES = [20, 100, 300];
const FLOOR_RATES = [20, 100];
/** Where the search for the ceiling begins, in messages a second. */
const CEILING_FROM = { chat: 1000, peer: 20 };
/** Bytes of a frame when no fan-out was measured that says it. */
const FRAME_BYTES = 200;

/** Measures what was asked for, one after the other, and fills the results as it goes. */
export async function runSuite(bench: Bench, results: Results): Promise<void> {
  const wants = (...measures: Measure[]) => measures.some((measure) => bench.options.only.has(measure));
  if (wants('idle', 'upgrades', 'sends')) await onOneServer(bench, results, wants);
  if (wants('fanout', 'floor', 'ceiling', 'hop', 'rooms', 'gateway')) await onAll(bench, results, wants);
  if (wants('pages', 'logins')) await onHttp(bench, results, wants);
}

type Wants = (...measures: Measure[]) => boolean;

async function onOneServer(bench: Bench, { chat, socketio }: Results, wants: Wants): Promise<void> {
  const target = bench.keep(await startChat(bench, 1, false));
  if (wants('idle', 'upgrades')) {
    chat.idle = await measureIdle(bench, target);
    if (bench.options.peers) {
      const peer = bench.keep(await startPeer(bench, 1, target));
      socketio.idle = await measureIdle(bench, peer);
      await peer.stop();
    }
  }
  if (wants('sends')) chat.sends = await measureSends(bench, target);
  await target.stop();
}

async function onAll(bench: Bench, results: Results, wants: Wants): Promise<void> {
  const { chat, socketio } = results;
  const { replicas, peers } = bench.options;
  const target = bench.keep(await startChat(bench, replicas, wants('gateway')));
  if (wants('hop')) chat.hop = await measureHop(bench, target);
  if (wants('fanout')) chat.fanout = await measureFanout(bench, target, RATES);
  if (wants('floor')) await measureFloors(bench, results);
  if (wants('ceiling')) chat.ceiling = await ceilingOf(bench, target, CEILING_FROM.chat);
  if (wants('gateway')) chat.gateway = await measureGateway(bench, target, GATEWAY_RATES);
  if (peers && wants('fanout', 'ceiling')) {
    const peer = bench.keep(await startPeer(bench, replicas, target));
    if (wants('fanout')) socketio.fanout = await measureFanout(bench, peer, PEER_RATES);
    if (wants('ceiling')) socketio.ceiling = await ceilingOf(bench, peer, CEILING_FROM.peer);
    await peer.stop();
  }
  if (wants('rooms')) chat.rooms = await measureRooms(bench, target);
  await target.stop();
}

async function onHttp(bench: Bench, { chat }: Results, wants: Wants): Promise<void> {
  const target = bench.keep(await ChatTarget.startHttp((line) => bench.log(line)));
  if (wants('pages')) chat.pages = await measurePages(bench, target);
  if (wants('logins')) chat.logins = await measureLogins(bench, target);
  await target.stop();
}

async function measureFloors(bench: Bench, results: Results): Promise<void> {
  const ledger = results.chat.fanout?.[0]?.ledger;
  const bytes = ledger ? ledger.payloadBytes / ledger.received : FRAME_BYTES;
  results.floor = [];
  for (const rate of FLOOR_RATES) {
    const floor = await measureFloor(bench, bench.options.replicas, bytes, rate);
    if (floor) results.floor.push(floor);
  }
}

function ceilingOf(bench: Bench, target: Target, from: number) {
  return measureCeiling(bench, target, {
    from,
    open: async (generator) => {
      await openSockets(target, generator, FANOUT_SOCKETS);
      return senders(target, FANOUT_SOCKETS);
    },
  });
}

function startChat(bench: Bench, replicas: number, gateway: boolean): Promise<ChatTarget> {
  const { profile } = bench.options;
  return ChatTarget.start({
    replicas,
    gateway,
    env: profile ? profiled(resolve(profile)) : {},
    log: (line) => bench.log(line),
  });
}

/** --cpu-prof is not allowed in NODE_OPTIONS: a module loaded before main does the same. */
function profiled(directory: string): NodeJS.ProcessEnv {
  mkdirSync(directory, { recursive: true });
  return {
    NODE_OPTIONS: `--import ${new URL('./profiler.mjs', import.meta.url)}`,
    BENCH_PROFILE_DIR: directory,
  };
}

function startPeer(bench: Bench, servers: number, chat: ChatTarget): Promise<SocketIoTarget> {
  return SocketIoTarget.start({ servers, redis: chat.cluster.redis, directory: bench.directory });
}
