import type { Message } from '../../packages/protocol/src/message.ts';
import { expectJson, request, requestAll } from './api.ts';
import type { Account } from './users.ts';

/** A room of the load test, and the date of its newest message before the run. */
export interface LoadRoom {
  id: string;
  since: number;
}

/** Rooms made or read in one go. */
const AT_ONCE = 50;

/**
 * The owner's rooms of these names, made where they are not there yet. The owner alone is a member: clients join for
 * the time of their connection, so that runs leave nothing behind with the users.
 */
export function ensureRooms(owner: Account, names: readonly string[]): LoadRoom[] {
  const { token } = owner;
  const listed = expectJson<{ id: string; name?: string }[]>(
    request('GET', `/rooms/${owner.id}`, { token, name: '/rooms/{userId}' }),
    'the list of rooms',
  );
  const ids = new Map(listed.map(({ id, name }) => [name, id]));
  const absent = names.filter((name) => !ids.has(name));
  for (const some of chunks(absent)) {
    const made = requestAll(some.map((name) => ({ method: 'POST', path: '/rooms', token, body: { name } })));
    for (const [index, answer] of made.entries()) {
      ids.set(some[index]!, expectJson<{ id: string }>(answer, 'a new room', [200, 201]).id);
    }
  }
  return readLast(
    names.map((name) => ids.get(name)!),
    token,
  );
}

function readLast(ids: readonly string[], token: string): LoadRoom[] {
  return chunks(ids).flatMap((some) => {
    const pages = requestAll(
      some.map((id) => ({
        method: 'GET',
        path: `/room/${id}/messages?size=1`,
        token,
        name: '/room/{id}/messages',
      })),
    );
    return pages.map((page, index) => {
      const [newest] = expectJson<Message[]>(page, 'the newest message of a room');
      return { id: some[index]!, since: newest?.date ?? 0 };
    });
  });
}

function chunks<T>(items: readonly T[]): T[][] {
  const result: T[][] = [];
  for (let start = 0; start < items.length; start += AT_ONCE)
    result.push(items.slice(start, start + AT_ONCE));
  return result;
}
