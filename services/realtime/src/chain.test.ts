import { describe, expect, it } from 'vitest';
import { Chain, type Found, type Incoming } from './chain.ts';

const message = (date: number, prev: number): Incoming => ({ date, prev, frame: `${date}` });
const foreign = (date: number, identity = `f${date}`): Incoming => ({
  date,
  prev: undefined,
  frame: '',
  identity,
});

function startAt(date: number): Chain {
  const chain = new Chain();
  chain.startAfter(date);
  return chain;
}
/** Redis' clock. */
const NOW = 10_000;
const judge = (chain: Chain, incoming: Incoming, now = NOW) => chain.judge(incoming, now);
const takeNext = (chain: Chain) => chain.takeNext(NOW)?.date;
/** Reads, as from a Redis that has these dates, and what it lost or has ahead of its clock is not among them. */
function read(chain: Chain, stored: readonly Incoming[], also: Partial<Found> = {}): number[] {
  const [first, ...others] = chain.askFrom();
  const dates = stored.map(({ date }) => date);
  const since = [first!, ...others].find((date) => date === 0 || dates.includes(date)) ?? 0;
  const news = chain.take({
    end: Math.max(0, ...dates),
    since,
    standing: first === 0 || dates.includes(first!),
    messages: stored.filter(({ date }) => date > since),
    ...also,
  });
  return [...news, ...chain.takeUnstored()].map(({ date }) => date);
}

describe('Chain', () => {
  it('delivers the message that follows the last one', () => {
    const chain = startAt(10);
    expect(judge(chain, message(11, 10))).toBe('next');
    expect(judge(chain, message(12, 11))).toBe('next');
    expect(chain.last).toBe(12);
  });

  it('drops what it knows', () => {
    const chain = startAt(10);
    expect(judge(chain, message(11, 10))).toBe('next');
    expect(judge(chain, message(11, 10))).toBe('duplicate');
    expect(judge(chain, message(10, 9))).toBe('duplicate');
    expect(chain.last).toBe(11);
  });

  it('holds what comes after something missing, and gives it out in order once that came', () => {
    const chain = startAt(10);
    expect(judge(chain, message(13, 12))).toBe('hold');
    expect(judge(chain, message(12, 11))).toBe('hold');
    expect(takeNext(chain)).toBeUndefined();
    expect(judge(chain, message(11, 10))).toBe('next');
    expect(takeNext(chain)).toBe(12);
    expect(takeNext(chain)).toBe(13);
    expect(takeNext(chain)).toBeUndefined();
    expect(chain.held).toBe(0);
  });

  it('holds a message once, however often it comes', () => {
    const chain = startAt(10);
    judge(chain, message(12, 11));
    judge(chain, message(12, 11));
    expect(chain.held).toBe(1);
  });

  it('drops held messages that were read from the room meanwhile', () => {
    const chain = startAt(10);
    judge(chain, message(12, 11));
    expect(read(chain, [message(10, 9), message(11, 10), message(12, 11)])).toEqual([11, 12]);
    expect(takeNext(chain)).toBeUndefined();
    expect(chain.held).toBe(0);
    expect(chain.last).toBe(12);
  });

  it('gives out a held message that is not in the room, and does not chain to it', () => {
    const chain = startAt(10);
    judge(chain, message(12, 11));
    expect(read(chain, [message(10, 9)])).toEqual([12]);
    expect(chain.last).toBe(10);
    expect(judge(chain, message(11, 10))).toBe('next');
  });

  it('does not take what came during a reading for something that is not in the room', () => {
    const chain = startAt(10);
    const [since] = chain.askFrom();
    judge(chain, message(12, 11));
    expect(chain.take({ end: 10, since: since!, standing: true, messages: [] })).toEqual([]);
    expect(chain.takeUnstored()).toEqual([]);
    expect(chain.held).toBe(1);
  });

  it('goes on from what a reading found, readable or not', () => {
    const chain = startAt(10);
    expect(read(chain, [message(10, 9)], { end: 15 })).toEqual([]);
    expect(judge(chain, message(16, 15))).toBe('next');
  });

  it('takes nothing for news that came during a reading, however much that is', () => {
    const chain = startAt(10);
    const [since] = chain.askFrom();
    const stored = Array.from({ length: 500 }, (_, n) => message(11 + n, 10 + n));
    for (const incoming of stored) expect(judge(chain, incoming)).toBe('next');
    expect(chain.take({ end: 510, since: since!, standing: true, messages: stored })).toEqual([]);
    expect(chain.last).toBe(510);
  });

  it('drops all held messages that a reading brought, however many others were trimmed meanwhile', () => {
    const chain = startAt(10);
    const relayed = Array.from({ length: 800 }, (_, n) => message(20 + n, 19 + n));
    for (const incoming of relayed.slice(0, 400)) judge(chain, incoming);
    chain.askFrom();
    for (const incoming of relayed.slice(400)) judge(chain, incoming);
    const messages = relayed.slice(400);
    const news = chain.take({ end: 819, since: 10, standing: false, messages });
    const shown = [...news, ...chain.takeUnstored()].map(({ date }) => date);
    for (let date = takeNext(chain); date !== undefined; date = takeNext(chain)) shown.push(date);
    expect(shown.sort((a, b) => a - b)).toEqual(relayed.map(({ date }) => date));
  });

  it('reads nothing again for a late duplicate, though an older date is known', () => {
    const chain = startAt(10);
    judge(chain, message(NOW + 100, 10));
    read(chain, [message(10, 9)]);
    for (let date = 11; date < 500; date++) judge(chain, message(date, date - 1));
    expect(judge(chain, message(3, 10))).toBe('doubt');
    for (let date = 500; date < 600; date++) judge(chain, message(date, date - 1));
    expect(judge(chain, message(12, 11))).toBe('doubt');
    expect(chain.askFrom()[0]).toBe(599);
  });

  it('skips what is too much, and knows what came meanwhile', () => {
    const chain = startAt(10);
    const [since] = chain.askFrom();
    expect(judge(chain, message(900, 10))).toBe('next');
    judge(chain, message(800, 799));
    expect(chain.skip({ end: 850, since: since!, standing: true })).toBe(true);
    expect(chain.held).toBe(0);
    expect(chain.last).toBe(900);
    expect(judge(chain, message(900, 10))).toBe('duplicate');
    expect(judge(chain, message(800, 799))).toBe('doubt');
    expect(judge(chain, message(901, 900))).toBe('next');
  });

  it('skips nothing when what is too much came meanwhile', () => {
    const chain = startAt(10);
    const [since] = chain.askFrom();
    for (let date = 11; date <= 900; date++) judge(chain, message(date, date - 1));
    expect(chain.skip({ end: 850, since: since!, standing: true })).toBe(false);
    expect(chain.last).toBe(900);
    expect(judge(chain, message(880, 879))).toBe('duplicate');
  });

  describe('when Redis goes on from before what was delivered', () => {
    const losses: [number, number][] = [];
    const chainWith = (...dates: number[]) => {
      losses.length = 0;
      const chain = new Chain((from, to) => losses.push([from, to]));
      chain.startAfter(10);
      for (const date of dates) judge(chain, message(date, date - 1));
      return chain;
    };

    it('as it lost the end in a failover: delivers, and says what is lost once it read the room', () => {
      const chain = chainWith(11, 12, 13);
      expect(judge(chain, message(20, 11))).toBe('aside');
      expect(judge(chain, message(21, 20))).toBe('next');
      expect(losses).toEqual([]);
      const stored = [message(10, 9), message(11, 10), message(20, 11), message(21, 20)];
      expect(read(chain, stored)).toEqual([]);
      expect(losses).toEqual([[11, 13]]);
      read(chain, stored);
      expect(losses).toHaveLength(1);
    });

    it('as its clock was set back: delivers what it dates earlier', () => {
      const chain = chainWith(11, 12, 13);
      expect(judge(chain, message(9, 8))).toBe('doubt');
      expect(judge(chain, message(11.5, 11))).toBe('aside');
      expect(judge(chain, message(11.6, 11.5))).toBe('next');
      expect(chain.last).toBe(11.6);
      expect(
        read(chain, [message(11, 10), message(11.5, 11), message(11.6, 11.5)], { standing: true }),
      ).toEqual([]);
      expect(losses).toEqual([]);
      expect(judge(chain, message(14, 13))).toBe('aside');
    });

    it('delivers what went on from there unheard, from the date on that both have', () => {
      const chain = chainWith(11, 12, 13);
      const stored = [message(10, 9), message(11, 10), message(11.5, 11), message(11.7, 11.5)];
      expect(judge(chain, message(11.7, 11.5))).toBe('doubt');
      expect(read(chain, stored)).toEqual([11.5, 11.7]);
      expect(chain.last).toBe(11.7);
    });

    it('says so when nothing is there but the room ends earlier', () => {
      const chain = chainWith(11, 12);
      expect(read(chain, [message(10, 9), message(11, 10)])).toEqual([]);
      expect(losses).toEqual([[11, 12]]);
      expect(chain.last).toBe(11);
      expect(judge(chain, message(20, 11))).toBe('next');
      expect(losses).toHaveLength(1);
    });

    it('is not taken back by a reading that was under way', () => {
      const chain = chainWith(11, 12);
      const [since] = chain.askFrom();
      expect(judge(chain, message(13, 11))).toBe('aside');
      chain.take({ end: 12, since: since!, standing: true, messages: [] });
      expect(chain.last).toBe(13);
    });

    it('drops what is only late', () => {
      const chain = chainWith(...Array.from({ length: 400 }, (_, n) => 11 + n));
      expect(judge(chain, message(12, 11))).toBe('doubt');
      expect(read(chain, [message(12, 11), message(410, 409)])).toEqual([]);
      expect(chain.last).toBe(410);
    });

    it('still knows what is ahead after many messages', () => {
      const chain = chainWith();
      judge(chain, message(10_005, 10));
      for (let date = 11; date < 1000; date++) judge(chain, message(date, date - 1));
      expect(judge(chain, message(10_005, 10))).toBe('duplicate');
      expect(judge(chain, message(10_006, 10_005))).toBe('aside');
    });
  });

  describe("with dates ahead of Redis' clock", () => {
    it('delivers what follows the last one, and goes on from there only if the room does', () => {
      const chain = startAt(10);
      expect(judge(chain, message(NOW + 100, 10))).toBe('aside');
      expect(chain.last).toBe(10);
      expect(judge(chain, message(11, 10))).toBe('next');
      read(chain, [message(10, 9), message(11, 10), message(NOW + 100, 10)]);
      expect(chain.last).toBe(NOW + 100);
    });

    it('forgets none before the room was read, however many they are', () => {
      const chain = startAt(10);
      const stored = [message(10, 9), message(NOW + 100, 10)];
      for (let date = NOW + 101; date < NOW + 500; date++) stored.push(message(date, date - 1));
      for (const incoming of stored.slice(1)) expect(judge(chain, incoming)).toBe('aside');
      expect(read(chain, stored)).toEqual([]);
      expect(chain.last).toBe(NOW + 499);
    });

    it('goes on in a room that is ahead already', () => {
      const chain = startAt(NOW + 100);
      expect(judge(chain, message(NOW + 100.000001, NOW + 100))).toBe('next');
      expect(chain.last).toBe(NOW + 100.000001);
    });
  });

  describe('with messages of foreign servers', () => {
    it('delivers them whatever their date, and goes on from there only when the room says so', () => {
      const chain = startAt(10);
      expect(judge(chain, foreign(9))).toBe('aside');
      expect(judge(chain, foreign(15))).toBe('aside');
      expect(chain.last).toBe(10);
      expect(judge(chain, message(11, 10))).toBe('next');
      expect(judge(chain, message(16, 15))).toBe('hold');
      expect(read(chain, [message(10, 9), message(11, 10), foreign(15), message(16, 15)])).toEqual([16]);
      expect(chain.last).toBe(16);
    });

    it('delivers several of the same second, and each once', () => {
      const chain = startAt(10);
      expect(judge(chain, foreign(11, 'a'))).toBe('aside');
      expect(judge(chain, foreign(11, 'b'))).toBe('aside');
      expect(judge(chain, foreign(11, 'a'))).toBe('duplicate');
    });

    it('does not chain to a date in milliseconds', () => {
      const chain = startAt(10);
      expect(judge(chain, foreign(1e12))).toBe('aside');
      expect(judge(chain, message(11, 10))).toBe('next');
    });

    it('delivers what came before one and was not heard, when that one has a follower', () => {
      const chain = startAt(10);
      judge(chain, foreign(12));
      judge(chain, message(13, 12));
      expect(read(chain, [message(10, 9), message(11, 10), foreign(12), message(13, 12)])).toEqual([11, 13]);
    });

    it('does not deliver by relay what a reading brought', () => {
      const chain = startAt(10);
      expect(read(chain, [message(10, 9), foreign(11)])).toEqual([11]);
      expect(judge(chain, foreign(11))).toBe('duplicate');
    });
  });
});
