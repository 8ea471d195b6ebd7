import { LIMITS } from '@chat/protocol';
import { expect, test } from 'vitest';
import { collect, connected, newChat, once } from '../test/chat.ts';
import { general, Peer } from '../test/peer.ts';

test('send resolves with the cid and the date of the ack', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const acks = collect(chat, 'ack');
  const sent = chat.send('0', 'Hello');
  const frame = await visit.take('message');
  expect(frame).toEqual({ type: 'message', data: { roomId: '0', message: 'Hello' }, cid: frame.cid });
  expect(frame.cid).toMatch(/^[A-Za-z0-9_-]{22}$/);
  visit.send({ type: 'ack', data: { cid: frame.cid, roomId: '0', date: 7.5 } });
  await expect(sent).resolves.toEqual({ cid: frame.cid, date: 7.5 });
  expect(await acks.next()).toEqual({ cid: frame.cid, roomId: '0', date: 7.5 });
});

test('what is sent before there is a connection goes out when there is one', async () => {
  const peer = await Peer.start();
  const chat = newChat({ url: peer.url });
  const sent = [chat.send('0', 'one'), chat.send('0', 'two')];
  chat.connect();
  const visit = await peer.visit();
  visit.hello();
  expect(await visit.acknowledge(1)).toBe('one');
  expect(await visit.acknowledge(2)).toBe('two');
  expect((await Promise.all(sent)).map(({ date }) => date)).toEqual([1, 2]);
});

test('after a cut, unacknowledged messages are sent again with their cid, in their order', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const sent = ['one', 'two', 'three'].map((text) => chat.send('0', text));
  const first = await visit.take('message');
  visit.cut();

  const second = await peer.visit();
  second.hello();
  await second.take('resume');
  second.send({ type: 'resumed', data: { rooms: { 0: 0 } } });
  const again = await second.take('message');
  expect(again).toEqual({ ...first, retry: true });
  second.send({ type: 'ack', data: { cid: again.cid, roomId: '0', date: 1 } });
  // Those never went out, so there is nothing to look for.
  const next = await second.take('message');
  expect(next.retry).toBeUndefined();
  second.send({ type: 'ack', data: { cid: next.cid, roomId: '0', date: 2 } });
  expect(await second.acknowledge(3)).toBe('three');
  expect((await Promise.all(sent)).map(({ date }) => date)).toEqual([1, 2, 3]);
});

test('a message whose ack was lost is known by its echo, and is not sent again', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const sent = chat.send('0', 'one');
  const { cid } = await visit.take('message');
  visit.cut();

  const second = await peer.visit();
  second.hello([general(5)]);
  expect((await second.take('resume')).data).toEqual({ rooms: { 0: 0 } });
  second.message(5, 0, { from: 1, cid });
  await expect(sent).resolves.toEqual({ cid, date: 5 });
  second.send({ type: 'resumed', data: { rooms: { 0: 5 } } });
  const next = chat.send('0', 'two');
  expect(await second.acknowledge(6)).toBe('two');
  await next;
});

test('a rate limit delays the message by what the server says, and the ones behind it wait', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const sent = [chat.send('0', 'one'), chat.send('0', 'two')];
  const first = await visit.take('message');
  const refusedAt = performance.now();
  visit.send({
    type: 'error',
    data: { code: 'rate_limited', message: 'slow down', cid: first.cid, retryAfterMs: 150 },
  });
  const again = await visit.take('message');
  expect(performance.now() - refusedAt).toBeGreaterThanOrEqual(149);
  // The server refused it before storing anything, so it need not look for it.
  expect(again).toEqual(first);
  visit.send({ type: 'ack', data: { cid: again.cid, roomId: '0', date: 1 } });
  expect(await visit.acknowledge(2)).toBe('two');
  await Promise.all(sent);
});

test('after unavailable the message may be stored, so the next try says so', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const sent = chat.send('0', 'one');
  const { cid } = await visit.take('message');
  visit.send({ type: 'error', data: { code: 'unavailable', message: 'no', cid, retryAfterMs: 1 } });
  expect((await visit.take('message')).retry).toBe(true);
  visit.send({ type: 'ack', data: { cid, roomId: '0', date: 1 } });
  await sent;
});

test('an error that a retry cannot mend rejects, and the next message goes on', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const errors = collect(chat, 'error');
  const refused = chat.send('0', '');
  const next = chat.send('0', 'two');
  const { cid } = await visit.take('message');
  visit.send({ type: 'error', data: { code: 'message_empty', message: 'no text', cid } });
  await expect(refused).rejects.toMatchObject({ code: 'message_empty', message: 'no text' });
  expect(await errors.next()).toMatchObject({ code: 'message_empty', cid });
  expect(await visit.acknowledge(1)).toBe('two');
  await next;
});

test('a message that the server cannot digest is given up after five tries', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer, [general()], { random: () => 0 });
  const refused = chat.send('0', 'poison');
  const rejection = expect(refused).rejects.toMatchObject({ code: 'internal' });
  for (let attempt = 0; attempt < 5; attempt++) {
    const { cid } = await visit.take('message');
    visit.send({ type: 'error', data: { code: 'internal', message: 'oops', cid } });
  }
  await rejection;
});

test('rooms do not wait for each other', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const sent = [chat.send('0', 'one'), chat.send('1:2', 'two')];
  const one = await visit.take('message');
  expect(await visit.acknowledge(2)).toBe('two');
  visit.send({ type: 'ack', data: { cid: one.cid, roomId: '0', date: 1 } });
  await Promise.all(sent);
});

test('while the server is degraded messages stay queued', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const degraded = once(chat, 'state');
  visit.send({ type: 'degraded', data: { reason: 'redis' } });
  expect(await degraded).toEqual({ state: 'degraded', reason: 'redis' });
  const sent = chat.send('0', 'one');
  await chat.ping();
  expect(visit.frames.waiting).toEqual([]);
  visit.send({ type: 'restored', data: {} });
  expect(await visit.acknowledge(1)).toBe('one');
  await sent;
  expect(chat.state).toBe('online');
});

test('a message without an answer costs the connection, and is sent again on the next', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer, [general()], { sendTimeoutMs: 1000 });
  const sent = chat.send('0', 'one');
  await visit.take('message');
  const second = await peer.visit();
  second.hello();
  await second.take('resume');
  second.send({ type: 'resumed', data: { rooms: { 0: 0 } } });
  expect(await second.acknowledge(1)).toBe('one');
  await sent;
});

test('the queue is bounded', async () => {
  const chat = newChat({ url: 'ws://127.0.0.1:1/ws', maxQueued: 2 });
  const queued = [chat.send('0', 'one'), chat.send('0', 'two')].map((sent) => sent.catch(({ code }) => code));
  await expect(chat.send('0', 'three')).rejects.toMatchObject({ code: 'busy' });
  chat.close();
  expect(await Promise.all(queued)).toEqual(['closed', 'closed']);
  await expect(chat.send('0', 'four')).rejects.toMatchObject({ code: 'closed' });
});

test('what the server could only answer by closing the connection is not sent', async () => {
  const peer = await Peer.start();
  const { chat } = await connected(peer);
  const long = 'ä'.repeat(LIMITS.messageBytes / 2);
  await expect(chat.send('0', `${long}.`)).rejects.toMatchObject({ code: 'message_too_large' });
  const escaped = '\u0001'.repeat(LIMITS.messageBytes);
  await expect(chat.send('0', escaped)).rejects.toMatchObject({ code: 'frame_too_large' });
});

test('messages of one user are not sent in the name of another', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const sent = chat.send('0', 'mine');
  await visit.take('message');
  const rejection = expect(sent).rejects.toMatchObject({ code: 'unauthenticated' });
  visit.cut();
  const second = await peer.visit();
  second.hello([general(9)], { id: 2, username: 'Bob' });
  await rejection;
  expect((await second.take('resume')).data).toEqual({ rooms: { 0: 9 } });
});

test('typing is told once per while, and again after a message', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  for (let key = 0; key < 5; key++) chat.typing('0');
  chat.typing('1:2');
  expect((await visit.take('typing')).data).toEqual({ roomId: '0' });
  expect((await visit.take('typing')).data).toEqual({ roomId: '1:2' });
  const sent = chat.send('0', 'done');
  await visit.acknowledge(1);
  await sent;
  chat.typing('0');
  expect((await visit.take('typing')).data).toEqual({ roomId: '0' });
});
