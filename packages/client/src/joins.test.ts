import { expect, test } from 'vitest';
import { connected, newChat, once, story, take } from '../test/chat.ts';
import { general, Peer } from '../test/peer.ts';

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
  const rooms = [general(), { id: '3', name: 'Cats', last: 7 }];
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
  visit.hello();
  expect((await visit.take('room.leave')).data).toEqual({ roomId: '3' });
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
