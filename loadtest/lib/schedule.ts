import type { Pace } from './pace.ts';

/** The turns of one of several senders that share a pace: every `senders`-th. Times in milliseconds since 1970. */
export function* turnsOf(pace: Pace, sendFrom: number, sender: number, senders: number): Generator<number> {
  for (let count = sender + 1; ; count += senders) {
    const seconds = pace.secondsUntil(count);
    if (seconds === undefined) return;
    yield sendFrom + seconds * 1000;
  }
}

/** Times at random, as people write: how many come in a second varies around the pace (a Poisson process). */
export function* atRandom(pace: Pace, sendFrom: number): Generator<number> {
  for (let count = 0; ; ) {
    count -= Math.log(1 - Math.random());
    const seconds = pace.secondsUntil(count);
    if (seconds === undefined) return;
    yield sendFrom + seconds * 1000;
  }
}
