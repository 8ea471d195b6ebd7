import { describe, expect, test } from 'vitest';
import { collect, connected, once, story, take } from '../test/chat.ts';
import { general, Peer } from '../test/peer.ts';

/** Short waits, and a giving up that does not come unless a test asks for it. */
const QUICK = { askMs: 10, giveUpMs: 600_000 };

describe('a live connection', () => {
  test('messages are delivered as they come, and say whether they are our own', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)]);
    const messages = collect(chat, 'message');
    expect(chat.position('0')).toBe(5);
    visit.message(6, 5, { cid: 'c-1' });
    visit.message(7, 6, { from: 1 });
    expect(await take(messages, 2)).toEqual([
      { from: 2, date: 6, message: 'm6', roomId: '0', prev: 5, cid: 'c-1', own: false },
      { from: 1, date: 7, message: 'm7', roomId: '0', prev: 6, own: true },
    ]);
    expect(chat.position('0')).toBe(7);
  });

  test('duplicates are dropped', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)]);
    const told = story(chat);
    for (const [date, prev] of [[6, 5], [6, 5], [5, 4], [7, 6], [6, 5], [8, 7]] as const) visit.message(date, prev); // biome-ignore format: pairs
    expect(await take(told, 3)).toEqual(['6', '7', '8']);
  });

  test('messages of foreign servers are delivered as they are, whatever their clock says', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(10.5)]);
    const messages = collect(chat, 'message');
    visit.message(10, undefined, { from: '2', message: 'late' });
    visit.message(10, undefined, { from: '2', message: 'of the same second' });
    visit.message(10, undefined, { from: '2', message: 'late' });
    visit.message(1615480369000, undefined, { message: 'in milliseconds' });
    visit.message(12, undefined, { message: 'in time' });
    visit.message(13, 12);
    const told = await take(messages, 5);
    expect(told.map(({ message }) => message)).toEqual([
      'late',
      'of the same second',
      'in milliseconds',
      'in time',
      'm13',
    ]);
    expect(told[0]!.from).toBe(2);
    expect(chat.position('0')).toBe(13);
  });

  test('a missing message is asked for, and what came after it waits', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)], { timing: QUICK });
    const told = story(chat);
    visit.message(8, 7);
    visit.message(9, 8);
    expect((await visit.take('resume')).data).toEqual({ rooms: { 0: 5 } });
    for (const [date, prev] of [[6, 5], [7, 6], [8, 7], [9, 8]] as const) visit.message(date, prev); // biome-ignore format: pairs
    visit.send({ type: 'resumed', data: { rooms: { 0: 9 } } });
    visit.message(10, 9);
    expect(await take(told, 5)).toEqual(['6', '7', '8', '9', '10']);
  });

  test('a missing message that the server brings by itself is not asked for', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)], { timing: { ...QUICK, askMs: 100 } });
    const told = story(chat);
    visit.message(7, 6);
    visit.message(6, 5);
    expect(await take(told, 2)).toEqual(['6', '7']);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await chat.ping();
    expect(visit.frames.waiting).toEqual([]);
  });

  test('what the server vouches for is not waited for', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)], { timing: QUICK });
    const told = story(chat);
    // 6 is a member of the room that is no message.
    visit.message(7, 6);
    await visit.take('resume');
    visit.message(7, 6);
    visit.send({ type: 'resumed', data: { rooms: { 0: 7 } } });
    visit.message(8, 7);
    expect(await take(told, 2)).toEqual(['7', '8']);
  });

  test('what does not come is told as a gap', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)], { timing: { askMs: 10, giveUpMs: 50 } });
    const told = story(chat);
    visit.message(8, 7);
    visit.message(9, 8);
    await visit.take('resume');
    expect(await take(told, 3)).toEqual(['gap 5..7', '8', '9']);
    expect(chat.position('0')).toBe(9);
  });

  test('while the server is degraded nothing is given up', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)], { timing: { askMs: 10, giveUpMs: 50 } });
    const told = story(chat);
    visit.send({ type: 'degraded', data: { reason: 'redis' } });
    visit.message(7, 6);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(told.waiting).toEqual([]);
    visit.send({ type: 'restored', data: {} });
    await visit.take('resume');
    visit.message(6, 5);
    expect(await take(told, 2)).toEqual(['6', '7']);
  });

  test('a chain that goes on from an older date is followed, and told as a gap', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)]);
    const told = story(chat);
    visit.message(6, 5);
    visit.message(7, 6);
    // Redis failed over and lost 6 and 7.
    visit.message(8, 5);
    visit.message(9, 8);
    expect(await take(told, 5)).toEqual(['6', '7', 'gap 5..7', '8', '9']);
  });

  test('rooms have positions of their own', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [
      general(5),
      { id: '1:2', names: ['Ann', 'Bob'], last: 50 },
    ]);
    const told = story(chat);
    visit.message(6, 5);
    visit.message(51, 50, { roomId: '1:2' });
    visit.message(7, 6);
    expect(await take(told, 3)).toEqual(['6', '51', '7']);
    expect([chat.position('0'), chat.position('1:2'), chat.position('3')]).toEqual([7, 51, undefined]);
  });
});

describe('after a reconnect', () => {
  test('all rooms are resumed from where they were', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)]);
    const told = story(chat);
    expect(visit.query.has('resume')).toBe(false);
    visit.message(6, 5);
    await told.next();
    visit.cut();

    const second = await peer.visit();
    expect(second.query.get('resume')).toBe('1');
    second.hello([general(8), { id: '1:2', names: ['Ann', 'Bob'], last: 3 }]);
    expect((await second.take('resume')).data).toEqual({ rooms: { 0: 6, '1:2': 3 } });
    const resumed = once(chat, 'resumed');
    second.message(7, 6);
    second.message(8, 7);
    second.send({ type: 'resumed', data: { rooms: { 0: 8, '1:2': 3 } } });
    expect(await take(told, 2)).toEqual(['7', '8']);
    expect(await resumed).toEqual({ rooms: { 0: 8, '1:2': 3 } });
  });

  test('a gap frame moves the position on', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)]);
    const told = story(chat);
    visit.cut();
    const second = await peer.visit();
    second.hello([general(900)]);
    await second.take('resume');
    second.send({ type: 'gap', data: { roomId: '0', from: 5, to: 400 } });
    second.message(401, 400);
    second.send({ type: 'resumed', data: { rooms: { 0: 401 } } });
    second.message(402, 401);
    expect(await take(told, 3)).toEqual(['gap 5..400', '401', '402']);
  });

  test('rooms that the user left meanwhile are forgotten', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5), { id: '1', name: 'Dogs', last: 2 }]);
    visit.cut();
    const second = await peer.visit();
    second.hello([general(5)]);
    expect((await second.take('resume')).data).toEqual({ rooms: { 0: 5 } });
    expect(chat.position('1')).toBeUndefined();
  });

  test('more rooms than one frame takes are resumed in several', async () => {
    const peer = await Peer.start();
    const rooms = Array.from({ length: 1500 }, (_, index) => ({
      id: `${index}`,
      name: `${index}`,
      last: 1615480369.123456,
    }));
    const { chat, visit } = await connected(peer, rooms);
    visit.cut();
    const second = await peer.visit();
    second.hello(rooms);
    const resumed = once(chat, 'resumed');
    const named = new Set<string>();
    while (named.size < rooms.length) {
      const frame = await second.take('resume');
      expect(JSON.stringify(frame).length).toBeLessThanOrEqual(16 * 1024);
      for (const id of Object.keys(frame.data.rooms)) named.add(id);
      second.send({ type: 'resumed', data: frame.data });
    }
    expect(Object.keys((await resumed).rooms)).toHaveLength(1500);
  });

  test('nothing else is sent until the resume is answered', async () => {
    const peer = await Peer.start();
    const rooms = [general(5), { id: '3', name: 'Cats', last: 7 }];
    const { chat, visit } = await connected(peer, rooms);
    await visit.pings.next();
    visit.cut();
    const second = await peer.visit();
    second.hello(rooms);
    const { data } = await second.take('resume');
    chat.typing('0');
    chat.leave('3');
    const sent = chat.send('0', 'one');
    await expect(chat.ping()).rejects.toMatchObject({ code: 'network' });
    // All that was sent before this arrives before it.
    second.send({ type: 'show.room', data: { id: '4', name: 'Dogs' } });
    await once(chat, 'room');
    expect([second.frames.waiting, second.pings.waiting]).toEqual([[], []]);
    second.send({ type: 'resumed', data });
    await second.take('room.leave');
    await second.acknowledge(6);
    await sent;
  });

  test('a resume that the server could not answer is asked for again when it can', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)]);
    visit.cut();
    const second = await peer.visit();
    second.hello([general(5)]);
    await second.take('resume');
    second.send({ type: 'error', data: { code: 'room_forbidden', message: '7: not yours' } });
    second.send({ type: 'error', data: { code: 'unavailable', message: 'no', retryAfterMs: 10 } });
    await second.take('resume');
    second.send({ type: 'degraded', data: { reason: 'redis' } });
    second.send({ type: 'restored', data: {} });
    const { data } = await second.take('resume');
    const resumed = once(chat, 'resumed');
    second.send({ type: 'resumed', data });
    await resumed;
  });

  test('a resume without an answer is asked for again', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)], { timing: { resumeMs: 50 } });
    visit.cut();
    const second = await peer.visit();
    second.hello([general(5)]);
    await second.take('resume');
    expect((await second.take('resume')).data).toEqual({ rooms: { 0: 5 } });
    const resumed = once(chat, 'resumed');
    second.send({ type: 'resumed', data: { rooms: { 0: 5 } } });
    await resumed;
  });
});

describe('what is no message', () => {
  test('presence comes in one shape', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer);
    const presence = collect(chat, 'presence');
    const [bob, eve] = [
      { id: 2, username: 'Bob' },
      { id: 3, username: 'Eve' },
    ];
    visit.send({ type: 'user.connected', data: { ...bob, online: true } });
    visit.send({ type: 'user.disconnected', data: { ...bob, online: false } });
    visit.send({ type: 'users.changed', data: { connected: [bob], disconnected: [eve] } });
    visit.send({ type: 'users.changed', data: { connected: [], disconnected: [], truncated: true } });
    expect(await take(presence, 4)).toEqual([
      { connected: [bob], disconnected: [], truncated: false },
      { connected: [], disconnected: [bob], truncated: false },
      { connected: [bob], disconnected: [eve], truncated: false },
      { connected: [], disconnected: [], truncated: true },
    ]);
  });

  test('rooms that appear, are renamed and left', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer);
    const rooms = collect(chat, 'room');
    const told = story(chat);
    visit.send({ type: 'show.room', data: { id: '1:2', names: ['Ann', 'Bob'] } });
    visit.send({ type: 'room.renamed', data: { id: '1', name: 'Cats' } });
    expect(await take(rooms, 2)).toEqual([
      { id: '1:2', names: ['Ann', 'Bob'] },
      { id: '1', name: 'Cats' },
    ]);
    visit.message(20, 0, { roomId: '1:2' });
    expect(await told.next()).toBe('20');
    const left = once(chat, 'left');
    visit.send({ type: 'room.left', data: { id: '1:2' } });
    expect(await left).toEqual({ id: '1:2' });
    expect(chat.position('1:2')).toBeUndefined();
  });

  test('a named room that appears begins with its next message', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer);
    const told = story(chat);
    visit.send({ type: 'show.room', data: { id: '3', name: 'Cats' } });
    visit.message(20, 19, { roomId: '3' });
    expect(await told.next()).toBe('20');
  });

  test('garbage and frames of a newer server are ignored', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer, [general(5)]);
    const told = story(chat);
    for (const raw of [
      '',
      'null',
      '[]',
      '{"type":"message"}',
      '{"type":"message","data":{"date":"x"}}',
      '{',
    ]) {
      visit.sendRaw(raw);
    }
    visit.sendRaw(new Uint8Array([1, 2, 3]));
    visit.sendRaw('{"type":"confetti","data":{}}');
    visit.message(6, 5);
    expect(await told.next()).toBe('6');
    expect(chat.state).toBe('online');
  });

  test('typing of others is told', async () => {
    const peer = await Peer.start();
    const { chat, visit } = await connected(peer);
    const typing = once(chat, 'typing');
    visit.send({ type: 'typing', data: { roomId: '0', from: 2 } });
    expect(await typing).toEqual({ roomId: '0', from: 2 });
  });
});
