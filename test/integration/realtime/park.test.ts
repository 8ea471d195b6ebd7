import type { HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createMetrics } from '@chat/kit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Fanout } from '../../../services/realtime/src/fanout.ts';
import { messageFrame } from '../../../services/realtime/src/frames-out.ts';
import { type Listening, listen } from '../../../services/realtime/src/listen.ts';
import { LocalUser } from '../../../services/realtime/src/local-user.ts';
import { RealtimeMetrics } from '../../../services/realtime/src/metrics.ts';
import { Park } from '../../../services/realtime/src/park.ts';
import { RedisClock } from '../../../services/realtime/src/redis-clock.ts';
import { Room } from '../../../services/realtime/src/room.ts';
import { StreamCursor } from '../../../services/realtime/src/stream-cursor.ts';
import { StreamPeer } from '../../../services/realtime/src/stream-peer.ts';
import { App } from '../../../services/realtime/src/uws.ts';

const TEXT = 'x'.repeat(64 * 1024);
/** Of the text above: more than the buffers of any system take for a client that does not read. */
const TOO_MANY = 1000;
const clock = new RedisClock();

let app: TemplatedApp;
let listening: Listening;
let fanout: Fanout;
let clients: Socket[];

beforeEach(() => {
  clients = [];
});
afterEach(() => {
  for (const client of clients) client.destroy();
  listening.close();
  app.close();
});

/** A stream whose client does not read. */
async function openStream(): Promise<{ peer: StreamPeer; aborted: () => boolean; errors: unknown[] }> {
  app = App();
  fanout = new Fanout([], new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'park' })));
  let aborted = false;
  const errors: unknown[] = [];
  const opened = new Promise<HttpResponse>((resolve) => {
    app.get('/', (response) => {
      response.onAborted(() => {
        aborted = true;
      });
      response.write('\n');
      resolve(response);
    });
  });
  listening = await listen(app, '127.0.0.1', 0, false);
  const client = connect(listening.port, '127.0.0.1');
  clients.push(client);
  await once(client, 'connect');
  client.pause();
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const response = await opened;
  const peer = new StreamPeer(new LocalUser(1, 'Pablo'), '', {
    response,
    fanout,
    cursor: StreamCursor.at([], clock),
    lastOf: () => 0,
    maxBackpressure: 1024,
    onEnded: (_, error) => {
      if (error !== undefined) errors.push(error);
    },
  });
  return { peer, aborted: () => aborted, errors };
}

function openRoom(id: string): { room: Room; publish: () => void } {
  const room = new Room(id, {
    fanout,
    metrics: new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'park' })),
    clock,
    windowMs: 0,
    onMissing: () => undefined,
    onLost: () => undefined,
  });
  room.opensAt({ end: 0, recent: [], foreign: false, messages: [] });
  let date = 0;
  const publish = () => {
    const prev = date++;
    const json = JSON.stringify({ from: 1, date, message: TEXT, roomId: id, prev });
    room.offer({ date, prev, frame: messageFrame(json) });
  };
  return { room, publish };
}

it('leaves no stream on its topics that was closed as a slow one when it went live', async () => {
  const { peer, aborted } = await openStream();
  const [named, personal] = [openRoom('0'), openRoom('1:2')];
  peer.park = new Park(peer, [named.room, personal.room], 60_000, () => undefined);
  for (let n = 0; n < TOO_MANY; n++) named.publish();
  peer.park.goLive();
  expect(peer.open).toBe(false);
  expect(aborted()).toBe(true);
  // Whoever publishes now would write to a response that is gone.
  expect(() => named.publish()).not.toThrow();
  expect(() => personal.publish()).not.toThrow();
  expect(named.room.keptAfter(0)).toEqual([]);
});

it('does not let a closed stream subscribe, receive or send', async () => {
  const { peer } = await openStream();
  peer.end({ code: 1012, cause: 'the replica drains' });
  peer.subscribe('r/0');
  const { publish } = openRoom('0');
  expect(publish).not.toThrow();
  expect(() => peer.receive('{"type":"pong","data":1}')).not.toThrow();
  expect(() => peer.cork(() => peer.send('{"type":"pong","data":1}'))).not.toThrow();
});

it('ends a stream that a frame could not be sent to, and tells why: it lacks that frame', async () => {
  const { peer, aborted, errors } = await openStream();
  peer.subscribe('r/0');
  expect(() => fanout.publish('r/0', '{"type":"message","data":?}')).not.toThrow();
  expect(errors).toEqual([expect.any(SyntaxError)]);
  expect(peer.open).toBe(false);
  expect(aborted()).toBe(true);
  expect(() => fanout.publish('r/0', '{"type":"pong","data":1}')).not.toThrow();
});
