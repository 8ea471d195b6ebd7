import type { WebSocketBehavior } from 'uWebSockets.js';
import { type Logger, toAppError } from '@chat/kit';
import { CLOSE, LIMITS } from '@chat/protocol';
import type { Admission, Admitted } from './admission.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Fanout } from './fanout.ts';
import type { Greeter } from './greeter.ts';
import type { LocalUsers } from './local-users.ts';
import type { RealtimeMetrics } from './metrics.ts';
import type { Close } from './peer.ts';
import { closeFor, upgrade } from './upgrade.ts';
import { DISABLED } from './uws.ts';
import { Newcomer, Refused, type Socket, type SocketData, WsPeer } from './ws-peer.ts';

/** Frames above the limit are refused by an error frame up to this size; above it the socket is cut. */
const HARD_FRAME_BYTES = 4 * LIMITS.frameBytes;
/** A slow client that reads on within this time, in milliseconds, is told why it is closed. */
const LAST_WORD_MS = 5000;

interface WebSocketOptions {
  admission: Admission;
  dispatcher: Dispatcher;
  greeter: Greeter;
  fanout: Fanout;
  users: LocalUsers;
  metrics: RealtimeMetrics;
  logger: Logger;
  peers: Set<WsPeer>;
  /** Believe X-Forwarded-For. */
  trustProxy: boolean;
  maxBackpressure: number;
  idleTimeoutSeconds: number;
}

/** The life of a WebSocket: upgraded, admitted, greeted, served, closed. */
export function webSocketBehavior(options: WebSocketOptions): WebSocketBehavior<SocketData> {
  const { admission, dispatcher, greeter, fanout, users, metrics, logger, peers } = options;

  async function admit(socket: Socket, newcomer: Newcomer): Promise<void> {
    try {
      await admission.admit(newcomer.credentials, (admitted) => {
        metrics.upgrade('accepted');
        if (newcomer.open) socket.cork(() => welcome(socket, newcomer, admitted));
      });
    } catch (error) {
      const refusal = toAppError(error);
      metrics.upgrade(refusal.code);
      if (refusal.code === 'internal') logger.error({ err: error }, 'admission failed');
      if (newcomer.open) end(socket, closeFor(refusal));
    }
  }

  /** In one turn: what is published from now on reaches the peer or is kept for it. */
  function welcome(socket: Socket, newcomer: Newcomer, { user, session, rooms }: Admitted): void {
    const peer = new WsPeer(users.get(user), session, socket);
    peer.pinned = newcomer.pinned;
    socket.getUserData().client = peer;
    peers.add(peer);
    users.attach(peer, rooms);
    greeter.greet(peer, newcomer.resumes);
    for (const frame of newcomer.early) dispatcher.receive(peer, frame);
  }

  return {
    compression: DISABLED,
    maxPayloadLength: HARD_FRAME_BYTES,
    maxBackpressure: options.maxBackpressure,
    idleTimeout: options.idleTimeoutSeconds,
    sendPingsAutomatically: true,
    upgrade: (response, request, context) => upgrade(options, response, request, context),

    open(socket: Socket) {
      metrics.connections++;
      const { client } = socket.getUserData();
      if (client instanceof Refused) end(socket, client.close);
      // Never rejects: what goes wrong is told by a close code.
      else if (client instanceof Newcomer) void admit(socket, client);
    },

    message(socket: Socket, message: ArrayBuffer, isBinary: boolean) {
      const { client } = socket.getUserData();
      if (client instanceof Refused || (client instanceof WsPeer && client.dropped)) return;
      if (client instanceof Newcomer) {
        const small = !isBinary && message.byteLength <= LIMITS.frameBytes;
        if (!small || !client.keep(Buffer.from(message).toString())) end(socket, CLOSE.tooFast);
        return;
      }
      if (isBinary) {
        dispatcher.refuseGarbage(client, 'binary_frame', 'frames must be text');
        return;
      }
      if (message.byteLength > LIMITS.frameBytes) {
        dispatcher.refuseGarbage(client, 'frame_too_large', `a frame has at most ${LIMITS.frameBytes} bytes`);
        return;
      }
      dispatcher.receive(client, Buffer.from(message).toString());
    },

    ping(socket: Socket) {
      const { client } = socket.getUserData();
      // Answered already; but whoever does nothing else is not to do it without end.
      if (client instanceof WsPeer) dispatcher.pinged(client);
    },

    dropped(socket: Socket) {
      const { client } = socket.getUserData();
      if (!(client instanceof WsPeer) || client.dropped) return;
      client.dropped = true;
      metrics.slowConsumers++;
      // It may read on before this turn ends: a frame that is published then would follow a hole.
      fanout.beforeNext(() => client.silence());
      const { waiting } = client;
      // A close frame is dropped like any other, so it waits for the client to read on. One that never does is cut:
      // after end() what waits would stay in memory for as long as a closing handshake may take.
      client.lastWord = setTimeout(() => {
        if (client.waiting < waiting) client.end(CLOSE.slowConsumer);
        else client.cut();
      }, LAST_WORD_MS);
    },

    drain(socket: Socket) {
      const { client } = socket.getUserData();
      if (!(client instanceof WsPeer) || !client.dropped) return;
      if (socket.getBufferedAmount() < options.maxBackpressure / 2) client.end(CLOSE.slowConsumer);
    },

    close(socket: Socket, code: number) {
      metrics.connections--;
      const { client } = socket.getUserData();
      metrics.closed(client instanceof WsPeer && client.dropped ? CLOSE.slowConsumer.code : code);
      if (client instanceof Newcomer) client.open = false;
      if (!(client instanceof WsPeer)) return;
      clearTimeout(client.lastWord);
      client.closed();
      peers.delete(client);
      client.park?.abandon();
      users.detach(client);
    },
  };
}

function end(socket: Socket, { code, cause }: Close): void {
  socket.end(code, cause);
}
