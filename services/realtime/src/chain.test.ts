import { describe, expect, it } from 'vitest';
import { Chain, type Incoming } from './chain.ts';

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
const judge = (chain: Chain, incoming: Incoming, now = 0, maxDate = 10_000) =>
  chain.judge(incoming, now, maxDate);

describe('Chain', () => {
  it('delivers the message that follows the last one', () => {
    const chain = startAt(10);
    expect(judge(chain, message(11, 10))).toBe('deliver');
    expect(judge(chain, message(12, 11))).toBe('deliver');
    expect(chain.last).toBe(12);
  });

  it('drops what is older than the last one', () => {
    const chain = startAt(10);
    expect(judge(chain, message(10, 9))).toBe('duplicate');
    expect(judge(chain, message(9, 8))).toBe('duplicate');
    expect(chain.last).toBe(10);
  });

  it('holds what comes after something missing, and gives it out in order once that came', () => {
    const chain = startAt(10);
    expect(judge(chain, message(13, 12))).toBe('hold');
    expect(judge(chain, message(12, 11))).toBe('hold');
    expect(chain.takeNext()).toBeUndefined();
    expect(judge(chain, message(11, 10))).toBe('deliver');
    expect(chain.takeNext()?.date).toBe(12);
    expect(chain.takeNext()?.date).toBe(13);
    expect(chain.takeNext()).toBeUndefined();
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
    expect(chain.takeStored(message(11, 10), 0)).toBe(true);
    expect(chain.takeStored(message(12, 11), 0)).toBe(true);
    expect(chain.takeNext()).toBeUndefined();
    expect(chain.held).toBe(0);
  });

  it('gives out a held message whose predecessor is nowhere, when asked to', () => {
    const chain = startAt(10);
    judge(chain, message(12, 11));
    expect(chain.takeAnyway()?.date).toBe(12);
    expect(judge(chain, message(13, 12))).toBe('deliver');
  });

  describe('after Redis lost messages in a failover', () => {
    const losses: [number, number][] = [];
    const chainWith = (...dates: number[]) => {
      losses.length = 0;
      const chain = new Chain((from, to) => losses.push([from, to]));
      chain.startAfter(10);
      for (const date of dates) judge(chain, message(date, date - 1));
      return chain;
    };

    it('goes on from the last one left, at once, and says between which dates some are lost', () => {
      const chain = chainWith(11, 12, 13);
      expect(judge(chain, message(20, 11))).toBe('deliver');
      expect(losses).toEqual([[11, 13]]);
      expect(judge(chain, message(21, 20))).toBe('deliver');
      expect(losses).toHaveLength(1);
    });

    it('says so as well when the next one is read from the room', () => {
      const chain = chainWith(11, 12);
      expect(chain.takeStored(message(20, 11), 0)).toBe(true);
      expect(losses).toEqual([[11, 12]]);
    });

    it('says so when the room is found to end earlier', () => {
      const chain = chainWith(11, 12);
      chain.rewind(11);
      expect(losses).toEqual([[11, 12]]);
      expect(judge(chain, message(20, 11))).toBe('deliver');
      expect(losses).toHaveLength(1);
    });

    it('does not take a foreign message that overtook another one for a loss', () => {
      const chain = chainWith();
      judge(chain, foreign(15));
      expect(judge(chain, message(16, 10))).toBe('hold');
      expect(losses).toEqual([]);
    });
  });

  describe('with messages of foreign servers', () => {
    it('delivers them whatever their date, and advances to it', () => {
      const chain = startAt(10);
      expect(judge(chain, foreign(9))).toBe('deliver');
      expect(chain.last).toBe(10);
      expect(judge(chain, foreign(11))).toBe('deliver');
      expect(judge(chain, message(12, 11))).toBe('deliver');
    });

    it('delivers several of the same second, and each once', () => {
      const chain = startAt(10);
      expect(judge(chain, foreign(11, 'a'))).toBe('deliver');
      expect(judge(chain, foreign(11, 'b'))).toBe('deliver');
      expect(judge(chain, foreign(11, 'a'))).toBe('duplicate');
    });

    it('does not chain to a date in milliseconds', () => {
      const chain = startAt(10);
      expect(judge(chain, foreign(1e12))).toBe('deliver');
      expect(judge(chain, message(11, 10))).toBe('deliver');
    });

    it('holds a message that follows one whose relay is still to come', () => {
      const chain = startAt(10);
      expect(judge(chain, message(12, 11))).toBe('hold');
      expect(judge(chain, foreign(11))).toBe('deliver');
      expect(chain.takeNext()?.date).toBe(12);
    });

    it('still delivers, once, what a clock that is ahead overtook', () => {
      const chain = startAt(10);
      expect(judge(chain, foreign(15))).toBe('deliver');
      expect(judge(chain, message(11, 10))).toBe('deliver');
      expect(judge(chain, message(11, 10))).toBe('duplicate');
      expect(judge(chain, message(16, 15))).toBe('deliver');
      expect(judge(chain, message(16, 15))).toBe('duplicate');
    });

    it('does not deliver by relay what a repair read from the room', () => {
      const chain = startAt(10);
      chain.takeStored(foreign(11), 0);
      expect(judge(chain, foreign(11), 100)).toBe('duplicate');
    });

    it('forgets them after a while', () => {
      const chain = startAt(10);
      judge(chain, foreign(15), 0);
      expect(judge(chain, message(11, 10), 60_000)).toBe('duplicate');
    });
  });
});
