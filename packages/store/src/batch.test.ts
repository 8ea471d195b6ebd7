import { expect, it } from 'vitest';
import { batched } from './batch.ts';

/** Answers in capitals, when the test says that the turn ends. */
function setUp(load = async (questions: readonly string[]) => questions.map((text) => text.toUpperCase())) {
  const calls: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const ask = batched(
    (questions: readonly string[]) => {
      calls.push(questions);
      return load(questions);
    },
    (callback) => ends.push(callback),
  );
  const endTurn = () => {
    for (const end of ends.splice(0)) end();
  };
  return { ask, calls, endTurn };
}

it('asks once for all questions of a turn, and once for equal ones', async () => {
  const { ask, calls, endTurn } = setUp();
  const answers = Promise.all([ask('a'), ask('b'), ask('a')]);
  endTurn();
  expect(await answers).toEqual(['A', 'B', 'A']);
  expect(calls).toEqual([['a', 'b']]);
});

it('gives nobody an answer that was read before the question', async () => {
  let value = 'old';
  const { ask, calls, endTurn } = setUp(async () => [value]);
  const first = ask('a');
  endTurn();
  // The first command is on its way, and may have been carried out.
  const second = ask('a');
  expect(await first).toBe('old');
  value = 'new';
  endTurn();
  expect(await second).toBe('new');
  expect(calls).toHaveLength(2);
});

it('fails all that a failed call was for, and nobody after them', async () => {
  let broken = true;
  const { ask, endTurn } = setUp(async ([question]) => {
    if (broken) throw new Error('away');
    return [question!];
  });
  const answers = Promise.allSettled([ask('a')]);
  endTurn();
  expect(await answers).toMatchObject([{ status: 'rejected', reason: { message: 'away' } }]);
  broken = false;
  const again = ask('a');
  endTurn();
  expect(await again).toBe('a');
});

it('splits what is too much for one call', async () => {
  const { ask, calls, endTurn } = setUp();
  const answers = Promise.all(Array.from({ length: 600 }, (_, n) => ask(`q${n}`)));
  endTurn();
  expect((await answers)[599]).toBe('Q599');
  expect(calls.map(({ length }) => length)).toEqual([256, 256, 88]);
});
