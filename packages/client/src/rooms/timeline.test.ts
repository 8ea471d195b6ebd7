import type { Message } from '@chat/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Timeline } from './timeline.ts';

function start(last: number): { timeline: Timeline; told: string[] } {
  const told: string[] = [];
  const timeline = new Timeline('0', last, {
    message: ({ date, message }) => told.push(message || `${date}`),
    gap: ({ from, to }) => told.push(`gap ${from}..${to}`),
  });
  return { timeline, told };
}

function message(date: number, prev?: number, text = ''): Message {
  return { from: 2, date, prev, message: text, roomId: '0' };
}

test('any order of a chain, with any duplicates, is told once and in order', () => {
  const arrivals = fc.integer({ min: 1, max: 20 }).chain((count) =>
    fc.shuffledSubarray(
      Array.from({ length: 3 * count }, (_, index) => 1 + (index % count)),
      { minLength: 3 * count },
    ),
  );
  fc.assert(
    fc.property(arrivals, (dates) => {
      const { timeline, told } = start(0);
      for (const date of dates) timeline.accept(message(date, date - 1));
      expect(told).toEqual(Array.from({ length: Math.max(...dates) }, (_, index) => `${index + 1}`));
      expect(timeline.holding).toBe(false);
    }),
  );
});

test('whatever is lost, what is told rises, and every missing message lies in a gap', () => {
  const losses = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(losses, (lost) => {
      const { timeline, told } = start(0);
      for (const [index, isLost] of lost.entries()) {
        if (!isLost) timeline.accept(message(index + 1, index));
      }
      while (timeline.holding) timeline.giveUp();
      let at = 0;
      for (const line of told) {
        const [, from, to] = /^gap (\d+)\.\.(\d+)$/.exec(line) ?? [];
        if (from === undefined) expect(Number(line)).toBe(at + 1);
        else expect(Number(from)).toBe(at);
        at = Number(to ?? line);
      }
      expect(at).toBe(lost.lastIndexOf(false) + 1);
    }),
  );
});

test('a foreign message behind a held one waits for it', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(40, 30));
  timeline.accept(message(50));
  expect(told).toEqual([]);
  timeline.accept(message(30, 10));
  expect(told).toEqual(['30', '40', '50']);
});

test('a foreign message before a held one waits until the server says that all is there', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(40, 30));
  timeline.accept(message(30));
  timeline.accept(message(20, 10));
  expect(told).toEqual(['20']);
  timeline.vouch(40);
  expect(told).toEqual(['20', '30', '40']);
});

test('a foreign message that is late is told at once', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(40, 30));
  timeline.accept(message(9));
  expect(told).toEqual(['9']);
  expect(timeline.last).toBe(10);
});

test('a chain that goes around a foreign message with a fast clock is followed without a gap', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(13));
  timeline.accept(message(11, 10));
  timeline.accept(message(12, 11));
  timeline.accept(message(14, 13));
  timeline.accept(message(14, 13));
  expect(told).toEqual(['13', '11', '12', '14']);
  expect(timeline.last).toBe(14);
});

test('two foreign messages of one second are two, the same one again is none', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(11, undefined, 'a'));
  timeline.accept(message(11, undefined, 'b'));
  timeline.accept(message(11, undefined, 'a'));
  expect(told).toEqual(['a', 'b']);
});

test('what a gap of the server covers is not told afterwards', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(40, 30));
  timeline.skip({ from: 10, to: 50 });
  timeline.accept(message(40, 30));
  timeline.accept(message(51, 50));
  timeline.skip({ from: 10, to: 50 });
  expect(told).toEqual(['gap 10..50', '51']);
});

test('what is held is bounded', () => {
  const { timeline, told } = start(0);
  for (let date = 2; date <= 1002; date++) timeline.accept(message(date, date - 1));
  expect(told.slice(0, 2)).toEqual(['gap 0..1', '2']);
  expect(told).toHaveLength(1002);
});

test('released messages are forgotten, the position stays', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(40, 30));
  timeline.release();
  expect(timeline.holding).toBe(false);
  timeline.accept(message(30, 10));
  expect(told).toEqual(['30']);
  expect(timeline.last).toBe(30);
});

test('what the server shows is told whatever its date says, as clocks are set back and Redis fails over', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(7200, 10));
  timeline.accept(message(11, 10));
  timeline.accept(message(12, 11));
  timeline.accept(message(11, 10));
  timeline.accept(message(7200, 10));
  expect(told).toEqual(['7200', '11', '12']);
  expect(timeline.last).toBe(12);
  timeline.accept(message(7201, 7200));
  expect(told.slice(3)).toEqual(['7201']);
});

test('a first date that is too late hides nothing', () => {
  const { timeline, told } = start(100);
  timeline.accept(message(11, 10));
  timeline.accept(message(12, 11));
  expect(told).toEqual(['11', '12']);
});

test('a foreign date is no position', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(11, 10));
  timeline.accept(message(15));
  expect(timeline.last).toBe(11);
  timeline.accept(message(16, 15));
  expect(told).toEqual(['11', '15', '16']);
  expect(timeline.last).toBe(16);
});

test('a foreign message with the date of another one hides it not', () => {
  const { timeline, told } = start(10);
  timeline.accept(message(11));
  timeline.accept(message(11, 10));
  expect(told).toEqual(['11', '11']);
});

test('a gap that leads back is told, and the room goes on from there', () => {
  const { timeline, told } = start(100);
  timeline.skip({ from: 0, to: 50 });
  expect(timeline.last).toBe(50);
  timeline.accept(message(51, 50));
  expect(told).toEqual(['gap 0..50', '51']);
});

test('much of a resume that comes again is told once', () => {
  const { timeline, told } = start(0);
  for (let round = 0; round < 2; round++) for (let n = 1; n <= 500; n++) timeline.accept(message(n, n - 1));
  for (let round = 0; round < 2; round++)
    for (let n = 1; n <= 500; n++) timeline.accept(message(500, undefined, `foreign ${n}`));
  expect(told).toHaveLength(1000);
});
