import { keys, Rooms } from '@chat/store';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { foreignMessage, type HistoryServer, startHistory, type Visitor } from './history-server.ts';

let history: HistoryServer;
let ann: Visitor;
let room: string;
beforeAll(async () => {
  history = await startHistory();
});
afterAll(() => history.stop());
beforeEach(async () => {
  ann = await history.visitor();
  ({ id: room } = await new Rooms(history.redis).createNamed('Lunch', ann.id));
});

const page = async (query: string, roomId = room) => {
  const answer = await ann.ask(`/room/${encodeURIComponent(roomId)}/messages${query}`);
  expect(answer.status).toBe(200);
  return answer.body as { message: string; date: number; roomId: string; prev?: number }[];
};
const texts = async (query: string) => (await page(query)).map(({ message }) => message);
const letters = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

describe('GET /room/:id/messages', () => {
  it('gives exactly as many as asked for, newest first, from an offset', async () => {
    await ann.say(room, 'a', 'b', 'c', 'd', 'e');
    expect(await texts('?offset=0&size=2')).toEqual(['e', 'd']);
    expect(await texts('?offset=2&size=2')).toEqual(['c', 'b']);
    expect(await texts('?offset=4&size=2')).toEqual(['a']);
    expect(await texts('?offset=999999999&size=2')).toEqual([]);
  });

  it('gives 50 when no size is asked for, and 200 at most', async () => {
    await ann.say(room, ...letters(210));
    expect(await texts('')).toEqual(letters(210).reverse().slice(0, 50));
    expect(await page('?size=200')).toHaveLength(200);
  });

  it('pages by date without the date itself', async () => {
    const [, b, , d] = await ann.say(room, 'a', 'b', 'c', 'd', 'e');
    expect(await texts(`?before=${d}&size=2`)).toEqual(['c', 'b']);
    expect(await texts(`?after=${b}&size=2`)).toEqual(['c', 'd']);
    expect(await texts('?after=0')).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await texts('?before=99999999999')).toEqual(['e', 'd', 'c', 'b', 'a']);
  });

  it('gives messages as they were sent: from, date, room and link', async () => {
    const [first, second] = await ann.say(room, 'Grüße 😀', 'שלום "you" \\ \u2028 </script>');
    expect(await page('')).toEqual([
      { from: ann.id, date: second, message: 'שלום "you" \\ \u2028 </script>', roomId: room, prev: first },
      { from: ann.id, date: first, message: 'Grüße 😀', roomId: room, prev: 0 },
    ]);
  });

  it('is never cached', async () => {
    const { headers } = await ann.ask(`/room/${room}/messages`);
    expect(headers.get('cache-control')).toBe('private, no-store');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  it('is there for both users of a private room and for nobody else', async () => {
    const bob = await history.visitor();
    const eve = await history.visitor();
    const { id } = (await new Rooms(history.redis).createPrivate(ann.id, bob.id))!;
    await bob.say(id, 'secret');
    expect(await page('', id)).toMatchObject([{ message: 'secret' }]);
    expect((await bob.ask(`/room/${id}/messages`)).body).toHaveLength(1);
    const refused = { status: 403, body: { code: 'room_forbidden' } };
    expect(await eve.ask(`/room/${id}/messages`)).toMatchObject(refused);
    expect(await eve.ask(`/room/${encodeURIComponent(id)}/messages?after=0`)).toMatchObject(refused);
  });

  it('is there for everybody where the room is a named one, as everybody may join it by frame', async () => {
    await ann.say(room, 'for the team');
    const eve = await history.visitor();
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await eve.ask(`/room/${room}/messages?after=0`)).toMatchObject({
        status: 200,
        body: [{ message: 'for the team' }],
      });
    }
    expect(await history.redis.smembers(keys.userRooms(eve.id))).not.toContain(room);
  });

  it('answers 404 for rooms that do not exist', async () => {
    for (const id of ['999999999999999', `${ann.id}:999999999`]) {
      expect(await ann.ask(`/room/${id}/messages`)).toMatchObject({
        status: 404,
        body: { code: 'room_not_found' },
      });
    }
  });

  it('counts pages and measures requests by route', async () => {
    await page('?size=1');
    const { body } = await history.ask('/metrics');
    expect(body).toMatch(/chat_history_pages_total\{[^}]*range="newest"[^}]*\} [1-9]/);
    expect(body).toMatch(
      /http_request_duration_seconds_count\{[^}]*route="\/room\/\*id\/messages",status="200"[^}]*\} [1-9]/,
    );
  });
});

describe('what foreign servers wrote', () => {
  it('is readable whatever its layout, with the date and the room it is stored under', async () => {
    await foreignMessage(history.redis, room, 1615480369, { message: 'Hi', from: '1', roomId: room });
    await foreignMessage(history.redis, room, 1615480370, { from: 2, message: 'no room', extra: [1] });
    await history.redis.zadd(
      keys.room(room),
      1615480371.5,
      `{"roomId":"${room}","message":"no date","from":3}`,
    );
    expect(await page('?size=10')).toEqual([
      { from: 3, date: 1615480371.5, message: 'no date', roomId: room },
      { from: 2, date: 1615480370, message: 'no room', roomId: room },
      { from: 1, date: 1615480369, message: 'Hi', roomId: room },
    ]);
  });

  it('is skipped and counted when it is no message, and the page is full all the same', async () => {
    await ann.say(room, 'a', 'b', 'c');
    const garbage = ["{'from': 1}", 'not JSON', '', '{"from":1,"date":1,"message":"x","roomId":"0","prev":'];
    for (const member of garbage) await history.redis.zadd(keys.room(room), 5e9, member);
    expect(await texts('?size=3')).toEqual(['c', 'b', 'a']);
    expect(await texts('?before=6000000000&size=2')).toEqual(['c', 'b']);
    const { body } = await history.ask('/metrics');
    expect(body).toMatch(/chat_history_garbage_skipped_total\S* 8\b/);
  });

  it('is paged through by date without loss, though many messages share a second', async () => {
    for (let n = 0; n < 90; n++) {
      await foreignMessage(history.redis, room, 1615480369 + Math.floor(n / 9), {
        from: 2,
        message: `m${n}`,
      });
    }
    const seen: string[] = [];
    for (let before = 1e10; ; ) {
      const messages = await page(`?before=${before}&size=10`);
      if (messages.length === 0) break;
      seen.push(...messages.map(({ message }) => message));
      before = messages.at(-1)!.date;
    }
    expect(seen).toHaveLength(90);
    expect(new Set(seen).size).toBe(90);
  });
});

describe('paging while messages arrive', () => {
  /** Appends from another connection until told to stop. */
  function arriving() {
    let going = true;
    let count = 0;
    const done = (async () => {
      while (going) await ann.say(room, `new ${count++}`);
    })();
    return {
      async stop() {
        going = false;
        await done;
        return count;
      },
    };
  }

  it('before: every one of 1,000 messages once, in order', async () => {
    const dates = await ann.say(room, ...letters(1000));
    const inserts = arriving();
    const seen: string[] = [];
    let before = dates.at(-1)! + 1e-6;
    try {
      for (;;) {
        const messages = await page(`?before=${before}&size=37`);
        seen.push(...messages.map(({ message }) => message));
        if (messages.length < 37) break;
        before = messages.at(-1)!.date;
      }
    } finally {
      await inserts.stop();
    }
    expect(seen).toEqual(letters(1000).reverse());
  });

  it('after: every message once, in order, those that arrived meanwhile too', async () => {
    await ann.say(room, ...letters(1000));
    const inserts = arriving();
    const seen: { message: string; date: number; prev?: number }[] = [];
    const readOn = async () => {
      for (;;) {
        const messages = await page(`?after=${seen.at(-1)?.date ?? 0}&size=37`);
        seen.push(...messages);
        if (messages.length < 37) return;
      }
    };
    let count = 0;
    try {
      while (seen.length < 1050) await readOn();
    } finally {
      count = await inserts.stop();
    }
    await readOn();
    const news = Array.from({ length: count }, (_, index) => `new ${index}`);
    expect(seen.map(({ message }) => message)).toEqual([...letters(1000), ...news]);
    // The chain of dates proves it again: each names the one before it.
    expect(seen.map(({ prev }) => prev)).toEqual([0, ...seen.slice(0, -1).map(({ date }) => date)]);
  });
});

describe('GET /room/0/preload', () => {
  it("gives General's name and its 20 newest messages", async () => {
    await ann.say('0', ...letters(25));
    const { status, body, headers } = await ann.ask('/room/0/preload');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('private, no-store');
    expect(body).toMatchObject({ id: '0', name: 'General' });
    expect(body.messages.map(({ message }: { message: string }) => message)).toEqual(
      letters(25).reverse().slice(0, 20),
    );
  });

  it('tells nobody who is not signed in', async () => {
    expect(await history.ask('/room/0/preload')).toMatchObject({
      status: 401,
      body: { code: 'unauthenticated' },
    });
  });
});
