import type { WebSocketBehavior } from 'uWebSockets.js';
import { CLOSE, LIMITS } from '@chat/protocol';
import type { Dispatcher } from './dispatcher.ts';
import type { Greeter } from './greeter.ts';
import type { LocalUsers } from './local-users.ts';
import type { RealtimeMetrics } from './metrics.ts';
import type { Admission } from './upgrade.ts';
import { DISABLED } from './uws.ts';
import { Refused, type Socket, type SocketData, type WsPeer } from './ws-peer.ts';

/** Frames above the limit are refused by an error frame up to this size; above it the socket is cut. */
const HARD_FRAME_BYTES = 4 * LIMITS.frameBytes;

interface WebSocketOptions {
  admission: Admission;
  dispatcher: Dispatcher;
  greeter: Greeter;
  users: LocalUsers;
  metrics: RealtimeMetrics;
  peers: Set<WsPeer>;
  maxBackpressure: number;
  idleTimeoutSeconds: number;
}

/** The life of a WebSocket. All is known before the upgrade, so that nothing awaits between open and first frame. */
export function webSocketBehavior(options: WebSocketOptions): WebSocketBehavior<SocketData> {
  const { admission, dispatcher, greeter, users, metrics, peers } = options;
  return {
    compression: DISABLED,
    maxPayloadLength: HARD_FRAME_BYTES,
    maxBackpressure: options.maxBackpressure,
    idleTimeout: options.idleTimeoutSeconds,
    sendPingsAutomatically: true,
    upgrade: (response, request, context) => admission.upgrade(response, request, context),

    open(socket: Socket) {
      const { peer } = socket.getUserData();
      if (peer instanceof Refused) {
        socket.end(peer.close.code, peer.close.cause);
        return;
      }
      const { rooms } = peer;
      peer.opened(socket);
      peers.add(peer);
      users.attach(peer, rooms);
      greeter.greet(peer, peer.resumes);
    },

    message(socket: Socket, message: ArrayBuffer, isBinary: boolean) {
      const { peer } = socket.getUserData();
      if (peer instanceof Refused) return;
      if (isBinary) {
        dispatcher.refuse(peer, 'binary_frame', 'frames must be text');
        return;
      }
      if (message.byteLength > LIMITS.frameBytes) {
        dispatcher.refuse(peer, 'frame_too_large', `a frame has at most ${LIMITS.frameBytes} bytes`);
        return;
      }
      dispatcher.receive(peer, Buffer.from(message).toString());
    },

    dropped(socket: Socket) {
      const { peer } = socket.getUserData();
      if (peer instanceof Refused || peer.dropped) return;
      peer.dropped = true;
      metrics.slowConsumers++;
      // Not here: this is called while the topic tree hands out frames, and ending a socket changes the tree.
      setImmediate(() => peer.end(CLOSE.slowConsumer));
    },

    close(socket: Socket, code: number) {
      metrics.closed(code);
      const { peer } = socket.getUserData();
      if (peer instanceof Refused) return;
      peer.closed();
      peers.delete(peer);
      peer.park?.abandon();
      users.detach(peer);
    },
  };
}
