import { expect, it } from 'vitest';
import { readMessage } from './envelope.ts';

const message = (date: number, prev: number) => ({ from: 1, date, message: 'x', roomId: '0', prev });

it.each([
  ['follows an earlier date', 12, 11],
  ['is the first of its room', 12, 0],
])('takes a message that %s for one of the chain', (_, date, prev) => {
  expect(readMessage(message(date, prev))).toEqual(message(date, prev));
});

// A client that came to such a date could not resume from it.
it.each([
  ['follows itself', 12, 12],
  ['is dated before what it follows', 12, 13],
  ['is dated before 1970', -5, 11],
  ['follows what is dated before 1970', 12, -5],
])('takes a message that %s for one without a place in the chain', (_, date, prev) => {
  const { prev: _none, ...foreign } = message(date, prev);
  expect(readMessage(message(date, prev))).toEqual(foreign);
});
