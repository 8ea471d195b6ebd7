import { randomBytes } from 'node:crypto';
import { hashToken, keys, Sessions } from '@chat/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HistoryServer, openApi, startHistory, type Visitor } from './history-server.ts';

let history: HistoryServer;
let ann: Visitor;
beforeAll(async () => {
  history = await startHistory();
  ann = await history.visitor();
});
afterAll(() => history.stop());

const PROBES = ['/healthz', '/readyz', '/metrics'];
const unauthenticated = { status: 401, body: { code: 'unauthenticated' } };

/** A path that the template stands for, and a body that would do. */
function example(template: string): string {
  return template.replace('{userId}', String(ann.id)).replace('{roomId}', '0');
}

describe('every path but the probes', () => {
  const operations = openApi.operations().filter(({ path }) => !PROBES.includes(path));

  it.each(operations)('needs a session: $method $path', async ({ method, path }) => {
    const json = method === 'POST' ? { user1: ann.id, user2: 2, name: 'x' } : undefined;
    for (const authorization of ['', 'Bearer x', `Bearer ${randomBytes(32).toString('base64url')}`]) {
      const answer = await history.ask(example(path), { method, json, headers: { authorization } });
      expect(answer).toMatchObject(unauthenticated);
    }
  });
});

describe('a session', () => {
  it('is known by its cookie too', async () => {
    const answer = await history.ask('/room/0/messages', { headers: { cookie: `sid=${ann.token}` } });
    expect(answer.status).toBe(200);
  });

  it('that was used to read ends with its logout at once', async () => {
    const bob = await history.visitor();
    expect((await bob.ask('/room/0/messages')).status).toBe(200);
    expect((await bob.ask('/room/0/messages')).status).toBe(200);
    await new Sessions(history.redis, { ttlSeconds: 60, serverId: 'auth' }).revoke({
      hash: bob.sessionHash,
      user: bob,
    });
    expect(await bob.ask('/room/0/messages')).toMatchObject(unauthenticated);
    expect(await bob.ask('/room/999/messages')).toMatchObject(unauthenticated);
    expect(await bob.ask('/room/0/preload')).toMatchObject(unauthenticated);
  });

  it('that expired is refused, and what was read for it is not counted', async () => {
    const bob = await history.visitor();
    const pages = async () =>
      /chat_history_pages_total\{[^}]*\} (\d+)/.exec((await history.ask('/metrics')).body)?.[1];
    expect((await bob.ask('/room/0/messages')).status).toBe(200);
    const counted = await pages();
    await history.redis.del(keys.session(hashToken(bob.token)));
    expect(await bob.ask('/room/0/messages')).toMatchObject(unauthenticated);
    expect(await pages()).toBe(counted);
  });

  it("reads with its own user's rights only, however many users read at once", async () => {
    const visitors = await Promise.all(Array.from({ length: 8 }, () => history.visitor()));
    const friend = await history.visitor();
    const rooms = await Promise.all(
      visitors.map(({ id, ask }) => ask('/room', { json: { user1: id, user2: friend.id } })),
    );
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        visitors.map(async (visitor, index) => {
          const own = rooms[index]!.body.id;
          const others = rooms[(index + 1) % 8]!.body.id;
          const [mine, theirs] = await Promise.all([
            visitor.ask(`/room/${own}/messages`),
            visitor.ask(`/room/${others}/messages`),
          ]);
          expect([mine.status, theirs.status]).toEqual([200, 403]);
        }),
      );
    }
  });
});
