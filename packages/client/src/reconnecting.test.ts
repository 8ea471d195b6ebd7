import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { collect, connected, newChat, once, take } from '../test/chat.ts';
import { general, Peer } from '../test/peer.ts';
import { ChatClient } from './client.ts';

/** The events of a window, as a browser's global object has them. */
function openPage(): EventTarget {
  const page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  onTestFinished(() => void vi.unstubAllGlobals());
  return page;
}

test('states tell the way from idle to online and back', async () => {
  const peer = await Peer.start();
  const chat = newChat({ url: peer.url });
  const states = collect(chat, 'state');
  expect(chat.state).toBe('idle');
  chat.connect();
  (await peer.visit()).hello();
  expect((await take(states, 2)).map(({ state }) => state)).toEqual(['connecting', 'online']);
  chat.close();
  expect(await states.next()).toEqual({ state: 'idle' });
  expect(chat.state).toBe('idle');
});

test('hello tells who we are and in which rooms', async () => {
  const peer = await Peer.start();
  const chat = newChat({ url: peer.url });
  const hello = once(chat, 'hello');
  chat.connect();
  (await peer.visit()).hello([general(5)]);
  expect(await hello).toMatchObject({
    serverId: 'peer',
    user: { id: 1, username: 'Ann' },
    rooms: [{ id: '0', name: 'General', last: 5 }],
    limits: { messageBytes: 4096 },
  });
});

test('a lost connection is made again after a delay that is drawn from the whole back-off', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer, [general()], {
    backoff: { minMs: 40, maxMs: 100 },
    random: () => 0.5,
  });
  const states = collect(chat, 'state');
  visit.cut();
  expect(await states.next()).toEqual({ state: 'waiting', reason: 'closed with 1006', retryInMs: 20 });
  expect(await states.next()).toEqual({ state: 'connecting' });
  // Not stable for ten seconds: the delays go on growing.
  (await peer.visit()).cut();
  expect(await states.next()).toMatchObject({ state: 'waiting', retryInMs: 40 });
  await peer.visit().then((third) => third.cut());
  expect(await take(states, 2)).toMatchObject([{ state: 'connecting' }, { state: 'waiting', retryInMs: 50 }]);
});

test('a connection that was stable starts the delays anew', async () => {
  const peer = await Peer.start();
  const options = { backoff: { minMs: 40, maxMs: 640 }, random: () => 0.5, timing: { stableMs: 0 } };
  const { chat, visit } = await connected(peer, [general()], options);
  const states = collect(chat, 'state');
  visit.cut();
  expect(await states.next()).toMatchObject({ state: 'waiting', retryInMs: 20 });
  const second = await peer.visit();
  second.hello();
  await second.take('resume');
  second.cut();
  expect((await take(states, 3)).at(-1)).toMatchObject({ state: 'waiting', retryInMs: 20 });
});

test('the delay of a reconnect frame is kept exactly, whenever the server closes', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer, [general()], { random: () => 0 });
  const states = collect(chat, 'state');
  const toldAt = performance.now();
  visit.send({ type: 'reconnect', data: { afterMs: 1000 } });
  // Till then the connection does its work.
  const sent = chat.send('0', 'one');
  await visit.acknowledge(1);
  await sent;
  visit.close(1012, 'draining');
  const waiting = await states.next();
  expect(waiting).toMatchObject({ state: 'waiting', reason: 'draining' });
  expect(waiting.retryInMs).toBeLessThanOrEqual(1000);
  await peer.visit();
  expect(performance.now() - toldAt).toBeGreaterThanOrEqual(999);
});

test('a reconnect frame is obeyed even if the server does not close', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const states = collect(chat, 'state');
  visit.send({ type: 'reconnect', data: { afterMs: 20 } });
  const second = await peer.visit();
  expect(second.query.get('resume')).toBe('1');
  expect(await visit.closed).toBe(1000);
  expect(await states.next()).toEqual({ state: 'connecting' });
});

test.each([
  [4401, 'unauthenticated'],
  [4403, 'forbidden'],
  // Of a newer server: codes from 4400 to 4499 mean stop.
  [4410, 'forbidden'],
])('close code %i stops for good, and %s tells what was queued', async (code, error) => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const stopped = once(chat, 'stopped');
  const rejection = expect(chat.send('0', 'one')).rejects.toMatchObject({ code: error });
  visit.close(code, 'the end');
  expect(await stopped).toEqual({ code, reason: 'the end' });
  await rejection;
  expect(chat.state).toBe('stopped');
  await expect(chat.send('0', 'two')).rejects.toMatchObject({ code: error });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(peer.visits.waiting).toEqual([]);

  chat.connect();
  (await peer.visit()).hello();
  await once(chat, 'hello');
  expect(chat.state).toBe('online');
});

test.each([1001, 1009, 1011, 1012, 4008])('after close code %i it reconnects', async (code) => {
  const peer = await Peer.start();
  const { visit } = await connected(peer);
  visit.close(code);
  await peer.visit();
});

test('after 4429 it waits for at least half of the longest delay', async () => {
  const peer = await Peer.start();
  const options = { backoff: { minMs: 1, maxMs: 60 }, random: () => 0 };
  const { chat, visit } = await connected(peer, [general()], options);
  const states = collect(chat, 'state');
  visit.close(4429, 'too many');
  expect(await states.next()).toEqual({ state: 'waiting', reason: 'too many', retryInMs: 30 });
  await peer.visit();
});

test('in Node the token goes in a header, and a refused one stops', async () => {
  const peer = await Peer.start();
  const chat = newChat({ url: peer.url, token: 'secret' });
  chat.connect();
  const visit = await peer.visit();
  expect(visit.headers.authorization).toBe('Bearer secret');
  expect([...visit.query]).toEqual([]);
  peer.refusal = { status: 401, body: { code: 'unauthenticated', message: 'the session ended' } };
  const stopped = once(chat, 'stopped');
  visit.cut();
  expect(await stopped).toEqual({ code: 4401, reason: 'the session ended' });
});

test('an upgrade refused as too many is tried again when the server says', async () => {
  const peer = await Peer.start();
  peer.refusal = { status: 429, body: { code: 'too_many_sockets', message: 'enough', retryAfterMs: 33 } };
  const chat = newChat({ urls: [peer.url, 'ws://127.0.0.1:1/ws'] });
  const states = collect(chat, 'state');
  chat.connect();
  expect(await take(states, 2)).toEqual([
    { state: 'connecting' },
    { state: 'waiting', reason: 'enough', retryInMs: 33 },
  ]);
  peer.refusal = undefined;
  await peer.visit();
});

test('an address that does not open gives way to the next, and has its chance again later', async () => {
  const [first, second] = [await Peer.start(), await Peer.start()];
  first.refusal = { status: 503, body: {} };
  const chat = newChat({ urls: [first.url, second.url] });
  chat.connect();
  let visit = await second.visit();
  visit.hello();
  await once(chat, 'hello');
  first.refusal = undefined;
  visit.cut();
  // The one that worked, once more.
  visit = await second.visit();
  visit.hello();
  await once(chat, 'hello');
  visit.cut();
  visit = await first.visit();
  visit.hello();
  await once(chat, 'hello');
  visit.cut();
  await first.visit();
});

test('an address that does not answer gives way as well', async () => {
  const [first, second] = [await Peer.start(), await Peer.start()];
  first.silent = true;
  const chat = newChat({ urls: [first.url, second.url], timing: { openMs: 50 } });
  chat.connect();
  await second.visit();
});

test('when no address works it starts again after a delay', async () => {
  const peer = await Peer.start();
  const port = peer.port;
  await peer.stop();
  const chat = newChat({ urls: [`ws://127.0.0.1:${port}/ws`, `http://127.0.0.1:${port}/other`] });
  const states = collect(chat, 'state');
  chat.connect();
  expect((await take(states, 4)).map(({ state }) => state)).toEqual([
    'connecting',
    'connecting',
    'waiting',
    'connecting',
  ]);
});

test('a connection without any sign of life is replaced', async () => {
  const peer = await Peer.start();
  const { visit } = await connected(peer, [general()], { timing: { pingMs: 20, deadMs: 100, probeMs: 10 } });
  visit.answersPings = false;
  await peer.visit();
});

test('a quiet connection is kept by pings', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer, [general()], { timing: { pingMs: 20, deadMs: 10_000 } });
  await take(visit.pings, 5);
  expect(chat.state).toBe('online');
  expect(peer.visits.waiting).toEqual([]);
});

test('ping tells the round trip, and fails without a connection', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const stats = once(chat, 'stats');
  expect(await chat.ping()).toBeGreaterThan(0);
  expect((await stats).rttMs).toBeGreaterThan(0);
  visit.answersPings = false;
  const lost = expect(chat.ping()).rejects.toMatchObject({ code: 'network' });
  await take(visit.pings, 1);
  visit.cut();
  await lost;
  await expect(chat.ping()).rejects.toMatchObject({ code: 'network' });
});

test('the network coming back ends the wait, unless the server set it', async () => {
  const page = openPage();
  const peer = await Peer.start();
  const slow = { minMs: 600_000, maxMs: 600_000 };
  const { chat, visit } = await connected(peer, [general()], { backoff: slow, random: () => 0.9 });
  visit.cut();
  await once(chat, 'state');
  expect(chat.state).toBe('waiting');
  page.dispatchEvent(new Event('online'));
  const second = await peer.visit();
  second.hello();
  await second.take('resume');
  second.send({ type: 'reconnect', data: { afterMs: 600_000 } });
  second.close(1012);
  await once(chat, 'state');
  expect(chat.state).toBe('waiting');
  page.dispatchEvent(new Event('online'));
  expect(chat.state).toBe('waiting');
});

test('after the network changed, a connection that is silent is replaced soon', async () => {
  const page = openPage();
  const peer = await Peer.start();
  const { visit } = await connected(peer, [general()], { timing: { probeMs: 50 } });
  await take(visit.pings, 1);
  visit.answersPings = false;
  page.dispatchEvent(new Event('offline'));
  await peer.visit();
});

test('close and connect keep the positions', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer, [general(5)]);
  chat.close();
  expect(await visit.closed).toBe(1000);
  chat.connect();
  const second = await peer.visit();
  second.hello([general(9)]);
  expect((await second.take('resume')).data).toEqual({ rooms: { 0: 5 } });
});

test('a handler may close the client at any event', async () => {
  const peer = await Peer.start();
  for (const event of ['state', 'hello', 'stats'] as const) {
    const chat = newChat({ url: peer.url });
    chat.on(event, () => chat.close());
    chat.connect();
    if (event === 'state') expect(chat.state).toBe('idle');
    else {
      (await peer.visit()).hello();
      await once(chat, event);
      expect(chat.state).toBe('idle');
    }
  }
});

test('options that cannot work are refused', () => {
  expect(() => new ChatClient({ WebSocket })).toThrow(expect.objectContaining({ code: 'bad_option' }));
  expect(() => new ChatClient({ url: 'ftp://x/ws', WebSocket })).toThrow(/no URL of a WebSocket/);
  expect(() => new ChatClient({ url: '/ws', WebSocket })).toThrow(/this is no URL/);
});

test('without any WebSocket it says what to pass', () => {
  vi.stubGlobal('WebSocket', undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  expect(() => new ChatClient({ url: 'ws://127.0.0.1:1/ws' })).toThrow(/install ws and pass its class/);
});
