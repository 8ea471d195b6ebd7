import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLUSTER_CHANNEL, encodeEnvelope } from '@chat/protocol';
import { keys } from '@chat/store';
import { cpuSeconds } from '../../proc-stat.ts';
import type { Bench } from '../bench.ts';
import { CpuWindow } from '../cpu-window.ts';
import { openSockets } from '../room.ts';
import type { ChatTarget } from '../targets/chat.ts';

const SOCKETS = 5000;
/** Servers that tell of changes, and changes a second by all of them. */
const SERVERS = 20;
const CHANGES = 8;
/** No user has such an id. */
const FIRST_ID = 1_000_000;

const ONLINE = 3000;
const READS = 500;
/** Milliseconds between two batches of reads. */
const READ_MS = 20;
/** All reads of a second may wait for one answer. */
const agent = new Agent({ keepAlive: true, maxFreeSockets: 2 * READS });

/** What it costs one replica to tell its sockets who comes on other servers. */
export interface PresenceCost {
  sockets: number;
  changesPerSecond: number;
  /** Frames a second that each socket got. */
  framesPerSocket: number;
  /** Cores of the replica, 1 = one core. */
  cores: number;
  /** Empty when all sockets were told, and stayed open. */
  complaints: string[];
}

/** What it costs that many read who is online. */
export interface OnlineCost {
  online: number;
  readsPerSecond: number;
  /** Cores of the history service and of Redis. */
  cores: number;
  redisCores: number;
  /** Reads that failed, if any did. */
  complaints: string[];
}

/** Publishes what other replicas would tell of users who come there. */
export async function measurePresence(bench: Bench, target: ChatTarget): Promise<PresenceCost> {
  const generator = bench.generator();
  await openSockets(target, generator, SOCKETS);
  let told = 0;
  const teller = setInterval(() => {
    const id = FIRST_ID + told;
    const connected = [{ id, username: `bench user ${id}`, at: Date.now() / 1000 }];
    const envelope = encodeEnvelope(`bench-${told++ % SERVERS}`, 'users.changed', {
      connected,
      disconnected: [],
    });
    void target.redis.publish(CLUSTER_CHANNEL, envelope);
  }, 1000 / CHANGES);
  const window = new CpuWindow({ replica: [target.servers[0]!.pid] });
  const { duration, warm } = bench.options;
  const { others, closed } = await generator.listen({
    seconds: duration,
    warm,
    onSteady: window.onSteady,
    onEnd: window.onEnd,
  });
  clearInterval(teller);
  generator.stop();
  const cores = window.result().cores.replica!;
  const framesPerSocket = others / SOCKETS / (duration + warm);
  bench.log(
    `presence: ${SOCKETS} sockets, ${CHANGES} changes/s of ${SERVERS} servers: ${cores.toFixed(3)} cores, ` +
      `${framesPerSocket.toFixed(2)} frames/s a socket`,
  );
  const complaints = [
    ...(closed > 0 ? [`${closed} sockets closed`] : []),
    ...(framesPerSocket < 0.25 ? ['sockets were not told'] : []),
  ];
  return { sockets: SOCKETS, changesPerSecond: CHANGES, framesPerSocket, cores, complaints };
}

/** Reads GET /users/online at a fixed rate. */
export async function measureOnline(bench: Bench, target: ChatTarget): Promise<OnlineCost> {
  const { url, pid } = target.cluster.history[0]!;
  const users = await target.users(ONLINE);
  await target.redis.sadd(keys.onlineUsers, ...users.map(({ id }) => id));
  const { token } = users[0]!;
  const reads: Promise<boolean>[] = [];
  const begun = performance.now();
  const reader = setInterval(() => {
    // What is due by now, however late the timer is.
    const due = ((performance.now() - begun) * READS) / 1000;
    while (reads.length < due) reads.push(readOnline(url, token));
  }, READ_MS);
  const look = () => ({
    at: performance.now(),
    history: cpuSeconds([pid]),
    redis: cpuSeconds([target.redisPid]),
  });
  await sleep(bench.options.warm * 1000);
  const [asked, steady] = [reads.length, look()];
  await sleep(bench.options.duration * 1000);
  const end = look();
  clearInterval(reader);
  const seconds = (end.at - steady.at) / 1000;
  const readsPerSecond = (reads.length - asked) / seconds;
  const failed = (await Promise.all(reads)).filter((answered) => !answered).length;
  await target.redis.del(keys.onlineUsers);
  const cores = (end.history - steady.history) / seconds;
  const redisCores = (end.redis - steady.redis) / seconds;
  bench.log(
    `online: ${readsPerSecond.toFixed(0)} reads/s with ${ONLINE} online: history ${cores.toFixed(3)} cores, ` +
      `Redis ${redisCores.toFixed(3)}, ${failed} failed`,
  );
  const complaints = failed > 0 ? [`${failed} reads failed`] : [];
  return { online: ONLINE, readsPerSecond, cores, redisCores, complaints };
}

/** Whether it was answered. */
function readOnline(url: string, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { agent, headers: { Authorization: `Bearer ${token}` } };
    get(`${url}/users/online`, options, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode === 200 && response.complete));
    }).once('error', () => resolve(false));
  });
}
