import { expect, test } from 'vitest';
import { collect, connected, newChat, once, story, take } from '../test/chat.ts';
import { general, Peer, type Visit } from '../test/peer.ts';

const CATS = { id: '3', name: 'Cats', last: 7 };

/** Answers the client's frames, as a connection that is in General alone, until it joins the room. */
async function answerAsServer(visit: Visit, roomId: string): Promise<void> {
  for (;;) {
    const frame = await visit.frames.next();
    if (frame.type === 'room.join' && frame.data.roomId === roomId) break;
    visit.send({ type: 'error', data: { code: 'room_not_found', message: 'you are not in this room' } });
  }
  visit.send({ type: 'room.joined', data: { id: roomId, name: 'Dogs', last: 0 } });
}

test('join resolves with the room, and its messages follow', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const told = story(chat);
  const room = once(chat, 'room');
  const joined = chat.join('3');
  expect((await visit.take('room.join')).data).toEqual({ roomId: '3' });
  visit.send({ type: 'room.joined', data: { id: '3', name: 'Cats', last: 7 } });
  expect(await joined).toEqual({ id: '3', name: 'Cats', last: 7 });
  expect(await room).toEqual({ id: '3', name: 'Cats', last: 7 });
  visit.message(8, 7, { roomId: '3' });
  expect(await told.next()).toBe('8');
});

test('join with a date brings what is newer', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const told = story(chat);
  const joined = chat.join('3', 5);
  expect((await visit.take('room.join')).data).toEqual({ roomId: '3', since: 5 });
  visit.send({ type: 'room.joined', data: { id: '3', name: 'Cats', last: 7 } });
  visit.message(6, 5, { roomId: '3' });
  visit.message(7, 6, { roomId: '3' });
  expect(await take(told, 2)).toEqual(['6', '7']);
  await joined;
});

test('a refused join rejects, and the next one goes on', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const refused = expect(chat.join('9')).rejects.toMatchObject({ code: 'room_not_found' });
  const joined = chat.join('3');
  expect((await visit.take('room.join')).data.roomId).toBe('9');
  visit.send({ type: 'error', data: { code: 'room_not_found', message: 'there is none' } });
  await refused;
  expect((await visit.take('room.join')).data.roomId).toBe('3');
  visit.send({ type: 'room.joined', data: { id: '3', name: 'Cats', last: 7 } });
  await joined;
});

test('a join that the connection lost is asked again on the next', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const joined = chat.join('3');
  await visit.take('room.join');
  visit.cut();
  const second = await peer.visit();
  second.hello();
  second.send({ type: 'resumed', data: (await second.take('resume')).data });
  await second.take('room.join');
  second.send({ type: 'room.joined', data: { id: '3', name: 'Cats', last: 7 } });
  await joined;
});

test('a join without an answer rejects with timeout, and close rejects what waits', async () => {
  const peer = await Peer.start();
  const { chat } = await connected(peer, [general()], { sendTimeoutMs: 30 });
  await expect(chat.join('3')).rejects.toMatchObject({ code: 'timeout' });
  const closed = expect(chat.join('4')).rejects.toMatchObject({ code: 'closed' });
  chat.close();
  await closed;
});

test('leave is told at once, and again on the next connection, which does not know of it', async () => {
  const peer = await Peer.start();
  const rooms = [general(), CATS];
  const { chat, visit } = await connected(peer, rooms);
  const left = once(chat, 'left');
  chat.leave('3');
  expect((await visit.take('room.leave')).data).toEqual({ roomId: '3' });
  visit.send({ type: 'room.left', data: { id: '3' } });
  await left;
  visit.cut();
  const second = await peer.visit();
  second.hello(rooms);
  second.send({ type: 'resumed', data: (await second.take('resume')).data });
  expect((await second.take('room.leave')).data).toEqual({ roomId: '3' });
});

test('leave without a connection is told on the next', async () => {
  const peer = await Peer.start();
  const chat = newChat({ url: peer.url });
  chat.leave('3');
  chat.connect();
  const visit = await peer.visit();
  visit.hello([general(), CATS]);
  expect((await visit.take('room.leave')).data).toEqual({ roomId: '3' });
});

test('leave is not told again where the next connection is not in the room, and refuses no join', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const entered = chat.join('3');
  await visit.take('room.join');
  visit.send({ type: 'room.joined', data: CATS });
  await entered;
  const left = once(chat, 'left');
  chat.leave('3');
  await visit.take('room.leave');
  visit.send({ type: 'room.left', data: { id: '3' } });
  await left;
  const errors = collect(chat, 'error');
  const joined = chat.join('4');
  await visit.take('room.join');
  visit.cut();
  const second = await peer.visit();
  second.hello();
  second.send({ type: 'resumed', data: (await second.take('resume')).data });
  await answerAsServer(second, '4');
  expect(await joined).toMatchObject({ id: '4' });
  expect(errors.waiting).toEqual([]);
});

test('leave of a room that one is not in refuses no join under way', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const joined = chat.join('4');
  chat.leave('3');
  const sent = chat.send('0', 'one');
  await visit.take('room.join');
  // Were the leave there, its error could come before the join is answered.
  expect(await visit.acknowledge(1)).toBe('one');
  await sent;
  visit.send({ type: 'room.joined', data: { id: '4', name: 'Dogs', last: 0 } });
  expect(await joined).toMatchObject({ id: '4' });
});

test('leave of a room that is being joined is told', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const joined = chat.join('3');
  chat.leave('3');
  await visit.take('room.join');
  expect((await visit.take('room.leave')).data).toEqual({ roomId: '3' });
  visit.send({ type: 'room.joined', data: CATS });
  await joined;
});

test('leave without a connection, of a room that the next one is not in, is done by that', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const joined = chat.join('3');
  await visit.take('room.join');
  visit.send({ type: 'room.joined', data: CATS });
  await joined;
  const left = collect(chat, 'left');
  const lost = once(chat, 'state');
  visit.cut();
  await lost;
  chat.leave('3');
  const second = await peer.visit();
  second.hello();
  expect(await left.next()).toEqual({ id: '3' });
  expect((await second.take('resume')).data).toEqual({ rooms: { 0: 0 } });
});

test('a room that was joined and is not among those of hello is resumed as well', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer);
  const joined = chat.join('3');
  await visit.take('room.join');
  visit.send({ type: 'room.joined', data: { id: '3', name: 'Cats', last: 7 } });
  await joined;
  visit.cut();
  const second = await peer.visit();
  second.hello();
  expect((await second.take('resume')).data).toEqual({ rooms: { 0: 0, 3: 7 } });
});
