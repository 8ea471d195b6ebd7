import DataLoader from 'dataloader';

/** Calls back before the commands of this turn of the event loop leave. */
export type Schedule = (callback: () => void) => void;

/** Questions of one script: others wait in Redis meanwhile. */
const MAX_BATCH = 256;

/**
 * Answers what is asked for in one turn of the event loop by one call of `load`, and equal questions by one answer.
 * Nothing is remembered: an answer is read after the last who gets it has asked.
 *
 * @param load gives the answers in the order of the questions; an error is the answer to its question alone
 * @param schedule unset: what is asked for in one go is one call
 * @param keyOf the same for equal questions; unset: they are their own keys
 */
export function batched<Q, A>(
  load: (questions: readonly Q[]) => Promise<(A | Error)[]>,
  schedule: Schedule | undefined,
  keyOf?: (question: Q) => unknown,
): (question: Q) => Promise<A> {
  const loader = new DataLoader<Q, A, unknown>(
    (questions) => {
      loader.clearAll();
      return load(questions);
    },
    {
      maxBatchSize: MAX_BATCH,
      ...(schedule && { batchScheduleFn: schedule }),
      ...(keyOf && { cacheKeyFn: keyOf }),
    },
  );
  return (question) => loader.load(question);
}
