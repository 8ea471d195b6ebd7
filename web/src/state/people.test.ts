import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ChatApi } from '@chat/client';
import type { User } from '@chat/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { People } from './people.ts';

const ANN: User = { id: 1, username: 'Ann' };
const BOB: User = { id: 2, username: 'Bob' };
const CARL: User = { id: 3, username: 'Carl' };

/** People of a server that answers each request for who is online by the next of these, when its turn comes. */
async function peopleOf(...answers: (User[] | undefined | Promise<User[]>)[]): Promise<People> {
  const server = createServer(async (_request, response) => {
    const users = await answers.shift();
    response.statusCode = users ? 200 : 503;
    response.setHeader('content-type', 'application/json');
    const list = Object.fromEntries((users ?? []).map((user) => [user.id, { ...user, online: true }]));
    response.end(JSON.stringify(users ? list : { code: 'unavailable', message: 'Redis is away' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return new People(new ChatApi({ baseUrl: `http://127.0.0.1:${port}` }), ANN);
}

/** Tells of somebody who comes online, and returns what the telling was, without keeping it. */
function tell(people: People): WeakRef<User[]> {
  const connected = [{ ...BOB }];
  people.change(connected, []);
  return new WeakRef(connected);
}

test('what changes while the list is on its way is not lost', async () => {
  const people = await peopleOf([ANN, CARL]);
  const refreshed = people.refresh();
  people.change([BOB], [CARL]);
  await refreshed;
  expect([...people.online.value]).toEqual([
    [1, 'Ann'],
    [2, 'Bob'],
  ]);
});

test('after a list that could not be read, changes are taken over and not collected', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const people = await peopleOf(undefined);
  await expect(people.refresh()).rejects.toMatchObject({ code: 'unavailable' });
  const told = tell(people);
  expect(people.online.value.get(BOB.id)).toBe('Bob');
  await expect
    .poll(() => {
      collectGarbage();
      // Not the thing itself: the assertion would keep it.
      return told.deref() === undefined;
    })
    .toBe(true);
});

test('a list that fails does not end the collecting for the one that was asked for after it', async () => {
  let answer: (users: User[]) => void = () => {};
  const later = new Promise<User[]>((resolve) => {
    answer = resolve;
  });
  const people = await peopleOf(undefined, later);
  const failed = people.refresh();
  const refreshed = people.refresh();
  await expect(failed).rejects.toMatchObject({ code: 'unavailable' });
  people.change([BOB], []);
  answer([ANN]);
  await refreshed;
  expect(people.online.value.has(BOB.id)).toBe(true);
});
