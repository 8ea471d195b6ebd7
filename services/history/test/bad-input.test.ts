import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type HistoryServer, openApi, startHistory, type Visitor } from './history-server.ts';

let history: HistoryServer;
let ann: Visitor;
beforeAll(async () => {
  history = await startHistory();
  ann = await history.visitor();
  await ann.say('0', 'Hello');
});
afterAll(() => history.stop());
// Whatever a test sent, the service goes on.
afterEach(async () => {
  const { body } = await ann.ask('/room/0/messages');
  expect(body).toMatchObject([{ message: 'Hello' }]);
});

const JSON_TYPE = { 'content-type': 'application/json' };

/** A request whose path no URL parser has touched. */
function rawGet(path: string): Promise<{ status: number; body: { code: string } }> {
  const { hostname, port } = new URL(history.url);
  const headers = { authorization: `Bearer ${ann.token}` };
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.on('end', () => {
        const body = JSON.parse(text);
        const status = response.statusCode!;
        try {
          openApi.check('GET', path, { status, headers: new Headers(response.headers as never), body });
          resolve({ status, body });
        } catch (error) {
          reject(error);
        }
      });
    })
      .on('error', reject)
      .end();
  });
}

describe('pages', () => {
  it.each([
    'offset=-1',
    'size=1e9',
    'before=NaN',
    'offset=1.5',
    'offset=',
    'offset=1e3',
    'offset=99999999999999999999',
    'offset=0&offset=1',
    'size=0',
    'size=-5',
    'size=201',
    'size=',
    'size=ten',
    'size=5&size=6',
    'before=',
    'before=-1',
    'before=Infinity',
    'before=1e10',
    'before=0x10',
    'before=1,5',
    'before=(5',
    'before=1&before=2',
    'after=null',
    'after=%2Binf',
    'after=1%20LIMIT',
    'before=5&after=3',
    'before=5&offset=0',
    'after=5&offset=0',
  ])('?%s is refused', async (query) => {
    const answer = await ann.ask(`/room/0/messages?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });
});

describe('room ids', () => {
  it.each([
    '1:2:3',
    '2:1',
    '1:1',
    '01',
    '-1',
    '0x0',
    'abc',
    '1:',
    ' 0',
    '..%2Fx',
    '%2e%2e',
    '%zz',
    '0%00',
    '😀',
  ])('%s is refused', async (id) => {
    const answer = await rawGet(`/room/${encodeURI(id).replaceAll('%25', '%')}/messages`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_room' } });
  });

  it.each(['/room/../x/messages', '/room/../../etc/passwd/messages', '/room/0/1/messages'])(
    'the path %s is refused',
    async (path) => {
      expect(await rawGet(path)).toMatchObject({ status: 400, body: { code: 'invalid_room' } });
    },
  );

  it.each(['1:2:3', '..%2Fx', 'x'])('%s is not joined', async (id) => {
    const answer = await ann.ask(`/rooms/${id}/join`, { method: 'POST' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_room' } });
  });
});

describe('user ids', () => {
  it.each(['0', '-1', 'abc', '1.5', '01', '1e3', '9999999999999999', '..%2F1'])(
    '/rooms/%s is refused',
    async (id) => {
      const answer = await ann.ask(`/rooms/${id}`);
      expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    },
  );

  it.each(['ids[]=abc', 'ids[]=1&ids[]=-2', 'ids=1,x', 'ids[]=0', 'ids=1%202'])(
    '/users?%s is refused',
    async (query) => {
      const answer = await ann.ask(`/users?${query}`);
      expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    },
  );

  it('more than 200 at once are refused', async () => {
    const ids = Array.from({ length: 201 }, (_, index) => index + 1);
    expect((await ann.ask(`/users?ids=${ids.slice(1).join(',')}`)).status).toBe(200);
    expect(await ann.ask(`/users?ids=${ids.join(',')}`)).toMatchObject({
      status: 400,
      body: { code: 'bad_request' },
    });
  });
});

describe('bodies', () => {
  it.each(['/room', '/rooms'])('%s refuses what is not JSON', async (path) => {
    const answer = await ann.ask(path, { body: '{"name":"x"', headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_json' } });
  });

  it.each(['/room', '/rooms'])('%s refuses other types and more than 16 KiB', async (path) => {
    const form = await ann.ask(path, {
      body: 'user1=1&user2=2',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(form).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    const large = await ann.ask(path, { json: { name: 'x'.repeat(17_000) } });
    expect(large).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
  });

  it.each([
    'null',
    '[]',
    '42',
    '{}',
    '{"user1":1}',
    '{"user1":1,"user2":null}',
    '{"user1":1,"user2":"abc"}',
    '{"user1":1,"user2":-2}',
    '{"user1":1,"user2":1.5}',
    '{"user1":[1],"user2":2}',
    '{"user1":{"$gt":0},"user2":2}',
  ])('POST /room refuses %s', async (body) => {
    const answer = await ann.ask('/room', { body, headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });

  it('POST /room refuses a room of one user, of a user who does not exist, of two others', async () => {
    const [bob, eve] = [await history.visitor(), await history.visitor()];
    const room = (user1: unknown, user2: unknown) => ann.ask('/room', { json: { user1, user2 } });
    expect(await room(ann.id, String(ann.id))).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    expect(await room(ann.id, 999_999)).toMatchObject({ status: 404, body: { code: 'user_not_found' } });
    expect(await room(bob.id, eve.id)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await history.redis.exists(`room:${bob.id}:${eve.id}`)).toBe(0);
    expect(await history.redis.smembers(`user:${ann.id}:rooms`)).toEqual(['0']);
  });

  it.each([
    '{"name":""}',
    '{"name":"  "}',
    '{"name":7}',
    '{"name":null}',
    '{"name":["x"]}',
    '{"name":"a\\nb"}',
    '{"name":"a\\u202eb"}',
    `{"name":"${'x'.repeat(33)}"}`,
  ])('POST /rooms refuses %s', async (body) => {
    const answer = await ann.ask('/rooms', { body, headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_name' } });
  });

  it.each(['null', '[]', '"x"', '{}'])('POST /rooms refuses %s', async (body) => {
    const answer = await ann.ask('/rooms', { body, headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });
});

describe('requests', () => {
  it('from a foreign page change nothing', async () => {
    for (const path of ['/room', '/rooms', '/rooms/0/join']) {
      const headers = { origin: 'https://evil.example' };
      const answer = await ann.ask(path, { json: { name: 'x', user1: ann.id, user2: ann.id }, headers });
      expect(answer).toMatchObject({ status: 403, body: { code: 'origin_refused' } });
    }
  });

  it('that no route has are answered 404 and 405', async () => {
    for (const path of ['/', '/room/0', '/room', '/users/1', '/rooms/1/2/3/leave']) {
      const { status, body } = await ann.ask(path);
      expect([status, body.code]).toEqual(
        path === '/room' ? [405, 'method_not_allowed'] : [404, 'not_found'],
      );
    }
    expect(await ann.ask('/room/0/messages', { method: 'DELETE' })).toMatchObject({
      status: 405,
      body: { code: 'method_not_allowed' },
    });
  });
});
