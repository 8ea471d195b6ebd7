import { expect, test } from 'vitest';
import { connected, once, story, take } from '../test/chat.ts';
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
  await second.take('resume');
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

test('leave is told at once, or when there is a connection', async () => {
  const peer = await Peer.start();
  const { chat, visit } = await connected(peer, [general(), { id: '3', name: 'Cats', last: 7 }]);
  chat.leave('3');
  expect((await visit.take('room.leave')).data).toEqual({ roomId: '3' });
  visit.cut();
  await once(chat, 'state');
  chat.leave('4');
  const second = await peer.visit();
  second.hello();
  await second.take('resume');
  expect((await second.take('room.leave')).data).toEqual({ roomId: '4' });
});
