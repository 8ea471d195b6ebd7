import { describe, expect, it } from 'vitest';
import { StreamCursor } from './stream-cursor.ts';

describe('StreamCursor', () => {
  it('knows every room from the start, naming only those that spoke lately', () => {
    const cursor = StreamCursor.at([
      { id: '0', flushed: 100.5 },
      { id: '1', flushed: 100 },
      { id: '1:2', flushed: 3 },
    ]);
    expect(cursor.toString()).toBe('99.5;0=100.5;1=100');
    expect(cursor.since('0')).toBe(100.5);
    expect(cursor.since('1:2')).toBe(99.5);
  });

  it('moves on with messages, and not back', () => {
    const cursor = StreamCursor.at([{ id: '0', flushed: 100 }]);
    cursor.advance({ roomId: '0', date: 101.25 });
    cursor.advance({ roomId: '0', date: 50 });
    expect(cursor.advance({ roomId: '1:2', date: 102 })).toBe('99;0=101.25;1:2=102');
  });

  it('reads what it wrote', () => {
    const text = '99;0=101.123456;1:2=102';
    expect(StreamCursor.parse(text)?.toString()).toBe(text);
  });

  it.each(['', 'x', '1;', '1;0', '1;0=x', '1;../x=1', '-1', 'NaN', '1;0=Infinity'])('refuses %j', (text) => {
    expect(StreamCursor.parse(text)).toBeUndefined();
  });
});
