import { type AppContext, AppError } from '@chat/kit';
import { hashToken } from '@chat/store';
import { expect, it } from 'vitest';
import { SessionOwners } from './session-owners.ts';

/** Sessions in a table of tokens, and requests with one of them. */
function setUp() {
  const valid = new Map<string, number>();
  const findByHash = async (hash: string) => {
    const [, id] = [...valid].find(([token]) => hashToken(token) === hash) ?? [];
    return id === undefined ? undefined : { hash, user: { id, username: `user ${id}` } };
  };
  const owners = new SessionOwners({ findByHash });
  const asked: number[] = [];
  const request = (token: string, read = async (userId: number) => `read by ${userId}`) => {
    const ctx = { state: {}, req: { headers: { authorization: `Bearer ${token}` } } };
    return owners.read(ctx as unknown as AppContext, (userId) => {
      asked.push(userId);
      return read(userId);
    });
  };
  return { valid, request, asked };
}

const token = (start: string) => start.padEnd(43, '-');

it('reads once for each request, as the session’s user', async () => {
  const { valid, request, asked } = setUp();
  valid.set(token('ann'), 1);
  valid.set(token('bob'), 2);
  for (let round = 0; round < 2; round++) {
    expect(await request(token('ann'))).toBe('read by 1');
    expect(await request(token('bob'))).toBe('read by 2');
  }
  expect(asked).toEqual([1, 2, 1, 2]);
});

it('answers nothing once the session has ended, whatever was read', async () => {
  const { valid, request } = setUp();
  valid.set(token('ann'), 1);
  await request(token('ann'));
  valid.delete(token('ann'));
  await expect(request(token('ann'))).rejects.toMatchObject({ code: 'unauthenticated' });
  const forbidden = () => Promise.reject(new AppError('room_forbidden'));
  await expect(request(token('ann'), forbidden)).rejects.toMatchObject({ code: 'unauthenticated' });
});

it('reads again should a token ever be another user’s', async () => {
  const { valid, request } = setUp();
  valid.set(token('ann'), 1);
  await request(token('ann'));
  valid.set(token('ann'), 7);
  expect(await request(token('ann'))).toBe('read by 7');
  expect(await request(token('ann'))).toBe('read by 7');
});

it('passes on why reading failed', async () => {
  const { valid, request } = setUp();
  valid.set(token('ann'), 1);
  const forbidden = () => Promise.reject(new AppError('room_forbidden'));
  for (let round = 0; round < 2; round++) {
    await expect(request(token('ann'), forbidden)).rejects.toMatchObject({ code: 'room_forbidden' });
  }
});

it('remembers a bounded number of sessions', async () => {
  const { valid, request, asked } = setUp();
  for (let id = 1; id <= 10_050; id++) {
    valid.clear();
    valid.set(token(`t${id}`), id);
    await request(token(`t${id}`));
  }
  asked.length = 0;
  valid.clear();
  await expect(request(token('t1'))).rejects.toMatchObject({ code: 'unauthenticated' });
  await expect(request(token('t10050'))).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(asked).toEqual([10_050]);
});
