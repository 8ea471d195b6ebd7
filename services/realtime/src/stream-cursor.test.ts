import { beforeEach, describe, expect, it } from 'vitest';
import { StreamCursor } from './stream-cursor.ts';

/** A chain that goes on from all dates. */
const EVER = Number.POSITIVE_INFINITY;
/** Redis' clock. */
let now: number;
const clock = { now: () => now };
beforeEach(() => {
  now = 2_000_000_000;
});

describe('StreamCursor', () => {
  it('knows every room from the start, naming only those that spoke lately', () => {
    const cursor = StreamCursor.at(
      [
        { id: '0', flushed: 100.5 },
        { id: '1', flushed: 100 },
        { id: '1:2', flushed: 3 },
      ],
      clock,
    );
    expect(cursor.toString()).toBe('99.5;0=100.5;1=100');
    expect(cursor.since('0')).toBe(100.5);
    expect(cursor.since('1:2')).toBe(99.5);
  });

  it('moves on with messages, and not back', () => {
    const cursor = StreamCursor.at([{ id: '0', flushed: 100 }], clock);
    cursor.advance({ roomId: '0', date: 101.25, prev: 100 }, EVER);
    expect(cursor.advance({ roomId: '1:2', date: 102, prev: 0 }, EVER)).toBe('99;0=101.25;1:2=102');
  });

  it('does not move by a foreign message, or by one that the chain does not go on from', () => {
    const cursor = StreamCursor.at([{ id: '0', flushed: 100 }], clock);
    cursor.move({ roomId: '0', date: 102 }, 103);
    expect(cursor.advance({ roomId: '0', date: 7200, prev: 100 }, 103)).toBe('99;0=100');
  });

  it('skips no room for one whose dates are ahead of time', () => {
    now = 200;
    const rooms = [
      { id: '0', flushed: 3800 },
      { id: '1', flushed: 100 },
    ];
    const cursor = StreamCursor.at(rooms, clock);
    expect(cursor.since('1')).toBe(199);
    for (let n = 0; n < 200; n++) cursor.advance({ roomId: '0', date: 3800 + n, prev: 3799 + n }, EVER);
    for (let n = 2; n < 400; n++) cursor.advance({ roomId: `${n}`, date: 150 + n / 100, prev: 0 }, EVER);
    expect(StreamCursor.parse(cursor.id(), clock)!.since('1')).toBeLessThan(200);
  });

  it('says that nobody knows what it has of a room that is not named when Redis was set back', () => {
    const text = '199;0=180';
    now = 100;
    const cursor = StreamCursor.parse(text, clock)!;
    expect(cursor.since('0')).toBe(180);
    expect(cursor.since('1')).toBe(0);
  });

  it('goes on behind a gap, and behind what a resume brought', () => {
    const cursor = StreamCursor.at([{ id: '0', flushed: 100 }], clock);
    cursor.reach('0', 120);
    cursor.reach('1', 50);
    expect(cursor.toString()).toBe('99;0=120');
  });

  it('reads what it wrote', () => {
    const text = '99;0=101.123456;1:2=102';
    expect(StreamCursor.parse(text, clock)?.toString()).toBe(text);
  });

  describe('of more rooms than fit into a header', () => {
    const START = 1_700_000_000;
    /** One message in each room, so many seconds apart. */
    function crowd(rooms: number, seconds: number) {
      const cursor = StreamCursor.at([{ id: '0', flushed: START }], clock);
      const dates = new Map<string, number>();
      for (let n = 1; n <= rooms; n++) {
        const date = START + n * seconds + 0.000001;
        cursor.advance({ roomId: `${n}:100000`, date, prev: 0 }, EVER);
        dates.set(`${n}:100000`, date);
      }
      return { cursor, dates, last: START + rooms * seconds };
    }

    it('stays short, and a resume repeats nothing when the rooms spoke in the course of time', () => {
      const { cursor, dates, last } = crowd(1000, 10);
      const read = StreamCursor.parse(cursor.id(), clock)!;
      expect(cursor.id().length).toBeLessThanOrEqual(2000);
      for (const [room, date] of dates) expect(read.since(room)).toBeGreaterThanOrEqual(date);
      // Nor does it skip what a room that is not named may still be about to send.
      expect(read.since('7:8')).toBeLessThanOrEqual(last - 60);
      expect(read.since('7:8')).toBeGreaterThan(START);
    });

    it('skips nothing when all spoke at once, and repeats a minute at most', () => {
      const { cursor, dates, last } = crowd(1000, 0.01);
      cursor.advance({ roomId: '0', date: last + 100, prev: 0 }, EVER);
      for (let n = 0; n < 100; n++)
        cursor.advance({ roomId: `${n}`, date: last + 100 + n / 100, prev: 0 }, EVER);
      const read = StreamCursor.parse(cursor.id(), clock)!;
      expect(cursor.id().length).toBeLessThanOrEqual(2000);
      expect(read.since('7:8')).toBeLessThanOrEqual(last + 41);
      for (const [room, date] of dates) expect(read.since(room)).toBeGreaterThanOrEqual(date);
      for (let n = 0; n < 100; n++) {
        expect(read.since(`${n}`)).toBeLessThanOrEqual(last + 100 + n / 100);
        expect(read.since(`${n}`)).toBeGreaterThan(last + 39);
      }
    });

    it('does not take the clock of a foreign server for the time', () => {
      const { cursor, last } = crowd(1000, 0.1);
      cursor.advance({ roomId: '0', date: last + 3000 }, EVER);
      for (let n = 1; n < 100; n++) cursor.advance({ roomId: `${n}`, date: last + n / 100, prev: 0 }, EVER);
      expect(StreamCursor.parse(cursor.id(), clock)!.since('7:8')).toBeLessThanOrEqual(last - 59);
    });

    it('is left whole amid a resume: no room is passed over that was not sent yet', () => {
      const { cursor } = crowd(10, 0.01);
      expect(cursor.fits).toBe(true);
      for (let n = 0; n < 200; n++) cursor.move({ roomId: `${n}`, date: START + 500, prev: 0 }, EVER);
      expect(cursor.fits).toBe(false);
      expect(cursor.since('7:8')).toBe(START - 1);
    });
  });

  it.each(['', 'x', '1;', '1;0', '1;0=x', '1;../x=1', '-1', 'NaN', '1;0=Infinity'])('refuses %j', (text) => {
    expect(StreamCursor.parse(text, clock)).toBeUndefined();
  });
});
