import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Bench } from './bench.ts';
import { measureAbuse } from './measures/abuse.ts';
import { measureCeiling } from './measures/ceiling.ts';
import { FANOUT_SOCKETS, measureFanout } from './measures/fanout.ts';
import { measureFloor } from './measures/floor.ts';
import { measureGateway } from './measures/gateway.ts';
import { measureHop } from './measures/hop.ts';
import { measureIdle, measureUpgrades } from './measures/idle.ts';
import { measureLogins } from './measures/logins.ts';
import { measurePages } from './measures/pages.ts';
import { measureOnline, measurePresence } from './measures/presence.ts';
import { measureRooms } from './measures/rooms.ts';
import { measureSends } from './measures/sends.ts';
import type { Measure } from './options.ts';
import { requireAddons } from './peers/socketio/addons.ts';
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
/** What Socket.IO is measured in, too. */
const COMPARED: Measure[] = ['idle', 'upgrades', 'fanout', 'ceiling'];
/** Where the search for the ceiling begins, in messages a second. */
const CEILING_FROM = { chat: 1000, peer: 20 };
/** Bytes of a frame when no fan-out was measured that says it. */
const FRAME_BYTES = 200;

/**
 * What replicas run with to keep little memory (NODE_ARGS of the harness, and main.ts of realtime). Socket.IO gets them
 * where it is weighed; elsewhere not, as they cost it CPU.
 */
const LEAN_NODE = ['--max-semi-space-size=4', '--optimize-for-size'];

/**
 * Measures what was asked for, one after the other, and fills the results as it goes. Socket.IO runs by itself, with a
 * Redis of its own, once the replicas have ended.
 *
 * @param save is called when a measure has been filled in
 */
export async function runSuite(bench: Bench, results: Results, save: () => void): Promise<void> {
  const { only, peers } = bench.options;
  const wants = (...measures: Measure[]) => measures.some((measure) => only.has(measure));
  const suite: Suite = {
    bench,
    results,
    wants,
    async when(measures, measure) {
      if (!wants(...measures)) return;
      await measure();
      save();
    },
  };
  if (peers && wants(...COMPARED)) requireAddons();
  if (wants('idle', 'upgrades', 'sends', 'presence')) await onOneServer(suite);
  if (wants('fanout', 'floor', 'ceiling', 'hop', 'rooms', 'gateway')) await onAll(suite);
  if (wants('pages', 'logins', 'presence')) await onHttp(suite);
  if (wants('abuse')) await onWhole(suite);
}

interface Suite {
  bench: Bench;
  results: Results;
  wants: (...measures: Measure[]) => boolean;
  /** Runs a measure, if one of these is asked for, and saves what it filled in. */
  when: (measures: Measure[], measure: () => Promise<void>) => Promise<void>;
}

async function onOneServer({ bench, results: { chat, socketio }, when }: Suite): Promise<void> {
  const target = bench.keep(await startChat(bench, 1, false));
  await when(['idle', 'upgrades'], async () => {
    chat.idle = await measureIdle(bench, target);
  });
  await when(['sends'], async () => {
    chat.sends = await measureSends(bench, target);
  });
  await when(['presence'], async () => {
    chat.presence = await measurePresence(bench, target);
  });
  await target.stop();
  if (!bench.options.peers) return;
  await when(['idle', 'upgrades'], async () => {
    const weighed = await withPeer(bench, 1, LEAN_NODE, (peer) => measureIdle(bench, peer));
    const timed = await withPeer(bench, 1, [], (peer) => measureUpgrades(bench, peer));
    socketio.idle = { ...weighed, ...timed };
  });
}

async function onAll(suite: Suite): Promise<void> {
  const { bench, results, wants, when } = suite;
  const { chat, socketio } = results;
  const { replicas, peers } = bench.options;
  const target = bench.keep(await startChat(bench, replicas, wants('gateway')));
  await when(['hop'], async () => {
    chat.hop = await measureHop(bench, target);
  });
  await when(['fanout'], async () => {
    chat.fanout = await measureFanout(bench, target, RATES);
  });
  await when(['floor'], () => measureFloors(bench, results));
  await when(['ceiling'], async () => {
    chat.ceiling = await ceilingOf(bench, target, CEILING_FROM.chat);
  });
  await when(['gateway'], async () => {
    chat.gateway = await measureGateway(bench, target, GATEWAY_RATES);
  });
  await when(['rooms'], async () => {
    chat.rooms = await measureRooms(bench, target);
  });
  await target.stop();
  if (!peers || !wants('fanout', 'ceiling')) return;
  await withPeer(bench, replicas, [], async (peer) => {
    await when(['fanout'], async () => {
      socketio.fanout = await measureFanout(bench, peer, PEER_RATES);
    });
    await when(['ceiling'], async () => {
      socketio.ceiling = await ceilingOf(bench, peer, CEILING_FROM.peer);
    });
  });
}

async function onHttp({ bench, results: { chat }, when }: Suite): Promise<void> {
  const target = bench.keep(await ChatTarget.startHttp((line) => bench.log(line)));
  await when(['pages'], async () => {
    chat.pages = await measurePages(bench, target);
  });
  await when(['logins'], async () => {
    chat.logins = await measureLogins(bench, target);
  });
  await when(['presence'], async () => {
    chat.online = await measureOnline(bench, target);
  });
  await target.stop();
}

async function onWhole({ bench, results: { chat }, when }: Suite): Promise<void> {
  const target = bench.keep(await ChatTarget.startWhole((line) => bench.log(line)));
  await when(['abuse'], async () => {
    chat.abuse = await measureAbuse(bench, target);
  });
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

async function withPeer<T>(
  bench: Bench,
  servers: number,
  nodeArgs: readonly string[],
  measure: (peer: SocketIoTarget) => Promise<T>,
): Promise<T> {
  const { directory } = bench;
  const peer = bench.keep(await SocketIoTarget.start({ servers, directory, nodeArgs }));
  const measured = await measure(peer);
  await peer.stop();
  return measured;
}
