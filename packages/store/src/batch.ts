import DataLoader from 'dataloader';

/** Calls back before the commands of this turn of the event loop leave. */
export type Schedule = (callback: () => void) => void;

/**
 * Answers what is asked for in one turn of the event loop by one call of `load`, and equal questions by one answer.
 * Nothing is remembered: an answer is read after the last who gets it has asked.
 *
 * @param load gives the answers in the order of the questions
 * @param schedule unset: what is asked for in one go is one call
 */
export function batched<A>(
  load: (questions: readonly string[]) => Promise<A[]>,
  schedule: Schedule | undefined,
): (question: string) => Promise<A> {
  const loader = new DataLoader<string, A>(
    (questions) => {
      loader.clearAll();
      return load(questions);
    },
    { maxBatchSize: MAX_BATCH, ...(schedule && { batchScheduleFn: schedule }) },
  );
  return (question) => loader.load(question);
}

/** Questions of one script: others wait in Redis meanwhile. */
const MAX_BATCH = 256;
