import type { TemplatedApp } from 'uWebSockets.js';
import { performance } from 'node:perf_hooks';
import { isRedisAway, type Logger, type Metrics, pingRedis, type Readiness, redisPlace } from '@chat/kit';
import { LIMITS, privateMembers, type RoomId } from '@chat/protocol';
import {
  type Appended,
  Appender,
  memberOf,
  Presence,
  RevocationAnswers,
  Rooms,
  Sessions,
  Timeline,
  Users,
} from '@chat/store';
import { AddressLimit } from './address-limit.ts';
import { Admission } from './admission.ts';
import { AppendQueue, type Outgoing } from './append-queue.ts';
import { Backpressure } from './backpressure.ts';
import type { Incoming } from './chain.ts';
import type { Config } from './config.ts';
import { Dispatcher } from './dispatcher.ts';
import { drain } from './drain.ts';
import { Events } from './events.ts';
import { Fanout } from './fanout.ts';
import { encodeFrame, messageFrame } from './frames-out.ts';
import { DEGRADED, Greeter } from './greeter.ts';
import { Heartbeat } from './heartbeat.ts';
import { LocalUsers } from './local-users.ts';
import { RealtimeMetrics } from './metrics.ts';
import { Page } from './page.ts';
import { PresenceKeeper } from './presence/keeper.ts';
import { LEAVE_MS } from './presence/reporter.ts';
import { Rebalancer } from './rebalancer.ts';
import { RedisClock } from './redis-clock.ts';
import { RedisLink, waitMs } from './redis-link.ts';
import { Relay } from './relay.ts';
import { Resumes } from './resume.ts';
import { RoomRegistry } from './room-registry.ts';
import { mountRoutes, mountSocketRoutes } from './routes.ts';
import { SessionGuard } from './session-guard.ts';
import { Streams } from './stream.ts';
import { TokenBucket } from './token-bucket.ts';
import { EVERYONE } from './topics.ts';
import { UsernameCache } from './username-cache.ts';
import { App } from './uws.ts';
import { webSocketBehavior } from './websocket.ts';
import type { WsPeer } from './ws-peer.ts';

/** A server whose lease is not renewed for so long, in seconds, is reaped: with a look every 1.5 s, within 8 s. */
const LEASE_SECONDS = 6;
const CLAIM_SECONDS = 5;
const SWEEP_MS = 10_000;

interface RealtimeParts {
  config: Config;
  serverId: string;
  logger: Logger;
  metrics: Metrics;
  readiness: Readiness;
  webDirectory: string;
}

export interface Realtime {
  /** Everything: sockets, streams, the page, probes and metrics. */
  app: TemplatedApp;
  /** Sockets alone, for the port that is open to the world. */
  socketApp: TemplatedApp;
  /** The open WebSockets. */
  peers: ReadonlySet<WsPeer>;
  /** Refuses new clients from now on. */
  startDraining(): void;
  /** Ends the event streams. */
  endStreams(): void;
  /** Asks the clients to reconnect elsewhere, so fast that the steps after it have their time before the hard end. */
  moveClients(): Promise<void>;
  /** Waits for the sends under way, at most so long; what is not stored then is answered with an error. */
  finishSends(timeoutMs: number): Promise<void>;
  /** Takes this server's users off the list, once those who moved had the time to arrive elsewhere, and leaves Redis. */
  leave(): Promise<void>;
}

/** Builds the realtime service without a port: the parts, and what flows between them. */
export function createRealtime({ config, serverId, logger, readiness, ...parts }: RealtimeParts): Realtime {
  const app = App();
  const socketApp = App();
  const peers = new Set<WsPeer>();
  const metrics = new RealtimeMetrics(parts.metrics);
  const backpressure = new Backpressure({
    peers: () => [peers, streams.peers],
    metrics,
    maxBytes: config.MAX_BACKPRESSURE_TOTAL_BYTES,
  });
  const fanout = new Fanout([app, socketApp], metrics, (bytes) => backpressure.published(bytes));
  let draining = false;
  /** By performance.now(), when clients were first asked to go elsewhere. */
  let movedSince: number | undefined;
  let degraded = false;

  const place = redisPlace(config);
  const link = new RedisLink({
    place,
    waitReplicas: config.REDIS_WAIT_REPLICAS,
    logger,
    onEnvelope: (channel, envelope) => relay.receive(channel, envelope),
    onSubscribed: () => void catchUp(),
    onRestored: restored,
  });
  const redis = link.commands;
  const schedule = (callback: () => void) => link.beforeLeaving(callback);
  const rooms = new Rooms(redis, schedule);
  const usernames = new UsernameCache(new Users(redis));
  const sessions = new Sessions(redis, { ttlSeconds: config.SESSION_TTL_SECONDS, serverId, schedule });

  const clock = new RedisClock();
  const registry = new RoomRegistry({
    rooms,
    timeline: new Timeline(redis),
    usernames,
    metrics,
    roomOptions: {
      fanout,
      metrics,
      clock,
      windowMs: config.FANOUT_WINDOW_MS,
      onLost: ({ id }, from, to) => logger.error({ roomId: id, from, to }, 'redis lost messages'),
    },
    onRepairFailed: away,
  });
  const resumes = new Resumes(registry, config.LIMITS);
  const bucket = new TokenBucket(config.LIMITS ? config.MESSAGES_PER_SECOND : 0, config.MESSAGE_BURST);
  const users = new LocalUsers(rooms, registry, bucket, (user) =>
    presence.changed({ id: user.id, username: user.username }),
  );
  const presence = new PresenceKeeper({
    serverId,
    presence: new Presence(redis, serverId),
    redis,
    users,
    usernames,
    fanout,
    logger,
    leaseSeconds: LEASE_SECONDS,
    claimSeconds: CLAIM_SECONDS,
  });
  const guard = new SessionGuard({
    serverId,
    sessions,
    answers: new RevocationAnswers(redis),
    users,
    logger,
  });
  const heartbeat = new Heartbeat({
    serverId,
    redis,
    metrics,
    sockets: () => (draining || degraded || !listens() ? undefined : peers.size),
    onAway: () => away(),
    onDeaf: () => {
      logger.error('the subscription is deaf: connecting it anew');
      link.resubscribe();
    },
  });
  const rebalancer = new Rebalancer({
    peers,
    metrics,
    logger,
    enabled: () => !draining && !degraded,
  });
  const events = new Events({
    rebalancer,
    users,
    registry,
    presence,
    sessions: guard,
    fanout,
    metrics,
    logger,
    onUsersChanged: (userIds) => admission.usersChanged(userIds),
    onSessionEnded: (session) => admission.sessionEnded(session),
  });
  const relay = new Relay({
    serverId,
    metrics,
    logger,
    onMessage: relayed,
    onEvent: (type, data, server) => events.receive(type, data, server),
    onClusterEvent: (type, data, server) => events.receiveCluster(type, data, server),
    onHeartbeat: (envelope) => heartbeat.heard(envelope),
  });
  const queue = new AppendQueue({
    appender: new Appender(link.appends, {
      serverId,
      keep: config.ROOM_LIMIT,
      sharePrivate: config.SHARE_PRIVATE,
      waitReplicas: () => link.replicasNeeded,
      waitMs: waitMs(place),
    }),
    flush: () => link.flush(),
    metrics,
    logger,
    maxMessages: config.QUEUE_MAX_MESSAGES,
    maxBytes: config.QUEUE_MAX_BYTES,
    onAppended: appended,
    onAway: () => away(),
  });
  const dispatcher = new Dispatcher({
    serverId,
    rooms,
    registry,
    users,
    resumes,
    queue,
    bucket,
    pace: new TokenBucket(config.LIMITS ? config.FRAMES_PER_SECOND : 0, config.FRAME_BURST),
    fanout,
    redis,
    metrics,
    logger,
  });
  const limits = {
    messageBytes: LIMITS.messageBytes,
    frameBytes: LIMITS.frameBytes,
    messagesPerSecond: config.MESSAGES_PER_SECOND,
    messageBurst: config.MESSAGE_BURST,
    resumeMessages: LIMITS.resumeMessages,
  };
  const greeter = new Greeter(serverId, limits, () => degraded);
  const admission = new Admission({
    sessions,
    presence,
    users,
    allowedOrigins: config.ALLOWED_ORIGINS,
    socketsPerUser: config.LIMITS ? config.SOCKETS_PER_USER : 0,
    maxConnections: config.LIMITS ? config.MAX_SOCKETS : 0,
    connections: () => metrics.connections + streams.size,
    addressLimit: new AddressLimit(config.LIMITS ? config.UPGRADES_PER_SECOND : 0, config.UPGRADE_BURST),
    draining: () => draining,
  });
  const streams = new Streams({
    admission,
    greeter,
    users,
    registry,
    resumes,
    clock,
    fanout,
    logger,
    maxBackpressure: config.MAX_BACKPRESSURE_BYTES,
    trustProxy: config.TRUST_PROXY,
  });

  /** A message that another server stored. */
  function relayed(roomId: RoomId, message: Incoming): void {
    let room = registry.find(roomId);
    if (!room) {
      // A foreign server may have made the private room without a word.
      const members = privateMembers(roomId);
      if (!members?.some((id) => users.find(id))) return;
      events.show(roomId, members);
      room = registry.find(roomId);
    }
    room?.offer(message);
  }

  /** Messages that this server stored: all to the room first, in one turn. */
  function appended(roomId: RoomId, batch: readonly Outgoing[], replies: readonly Appended[]): void {
    const room = registry.find(roomId);
    if (!room) return;
    for (const [index, { draft }] of batch.entries()) {
      const reply = replies[index]!;
      if (reply.stored) {
        const frame = Buffer.from(messageFrame(memberOf(draft, reply)));
        room.offer({ date: Number(reply.date), prev: Number(reply.prev), frame });
      } else room.expect(Number(reply.date));
    }
  }

  function listens(): boolean {
    return link.subscribed && !heartbeat.deaf;
  }

  function away(error?: unknown): void {
    if (error !== undefined && !isRedisAway(error)) {
      logger.error({ err: error }, 'reading rooms failed');
      return;
    }
    link.lost();
    if (degraded) return;
    degraded = true;
    queue.pause();
    fanout.publish(EVERYONE, DEGRADED);
  }

  /** Makes good what may have been published unheard. Once storage is back it is done again, as reading may fail. */
  async function catchUp(): Promise<void> {
    admission.eventsMissed();
    presence.tellCrowd();
    try {
      await Promise.all([registry.repairAll(), guard.check(), events.showGained()]);
    } catch (error) {
      away(error);
    }
  }

  function restored(): void {
    degraded = false;
    logger.info({ queued: queue.length }, 'storage is back: sending what was queued');
    queue.resume();
    void catchUp();
    presence.reassert();
    fanout.publish(EVERYONE, encodeFrame({ type: 'restored', data: {} }));
  }

  metrics.observe({
    sockets: () => peers.size,
    streams: () => streams.size,
    users: () => users.size,
    rooms: () => registry.size,
    queued: () => queue.length,
    backpressure: () => backpressure.waiting,
  });
  readiness.set('serving', true);
  readiness.probe('redis', () => pingRedis(redis, config.REDIS_TIMEOUT_MS));
  readiness.probe('subscription', listens);

  const sockets = {
    admission,
    dispatcher,
    greeter,
    fanout,
    users,
    metrics,
    logger,
    peers,
    maxBackpressure: config.MAX_BACKPRESSURE_BYTES,
    idleTimeoutSeconds: config.IDLE_TIMEOUT_SECONDS,
  };
  app.ws('/ws', webSocketBehavior({ ...sockets, trustProxy: config.TRUST_PROXY }));
  // No gateway stands before that port: what X-Forwarded-For says there is the client's own.
  socketApp.ws('/ws', webSocketBehavior({ ...sockets, trustProxy: false }));
  mountSocketRoutes(socketApp);
  const page = new Page(parts.webDirectory, {
    serverId,
    socketUrl: config.SOCKET_URL ?? '',
    gatewayUrl: config.GATEWAY_URL ?? '',
  });
  if (!page.exists) logger.warn({ directory: parts.webDirectory }, 'there is no page: it was not built');
  mountRoutes(app, { serverId, logger, metrics: parts.metrics, readiness, streams, page });

  presence.start();
  heartbeat.start();
  if (config.REBALANCE) rebalancer.start();
  guard.start(config.SESSION_CHECK_MS);
  backpressure.start();
  const sweeper = setInterval(() => {
    registry.sweep();
    users.sweep();
    resumes.sweep();
  }, SWEEP_MS);

  return {
    app,
    socketApp,
    peers,
    startDraining() {
      draining = true;
      readiness.set('serving', false);
    },
    endStreams: () => streams.end(),
    moveClients() {
      movedSince = performance.now();
      // Each of the two steps after it may wait for Redis once, and the last one for those who move.
      const after = 2 * config.REDIS_TIMEOUT_MS + LEAVE_MS;
      return drain(peers, config.DRAIN_RATE, config.SHUTDOWN_TIMEOUT_MS - config.DRAIN_GRACE_MS - after);
    },
    async finishSends(timeoutMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([queue.drained(), late]);
      clearTimeout(timer);
      queue.abandon();
      registry.flush();
    },
    async leave() {
      clearInterval(sweeper);
      heartbeat.stop();
      rebalancer.stop();
      guard.stop();
      backpressure.stop();
      try {
        await presence.stop(movedSince);
      } finally {
        await link.close();
      }
    },
  };
}
