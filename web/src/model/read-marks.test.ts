import { describe, expect, it } from 'vitest';
import { ReadMarks } from './read-marks.ts';

function memory(content: Record<string, string> = {}) {
  return {
    content,
    getItem: (key: string) => content[key] ?? null,
    setItem: (key: string, value: string) => {
      content[key] = value;
    },
  };
}

describe('ReadMarks', () => {
  it('moves forward only', () => {
    const marks = new ReadMarks(1, memory());
    expect(marks.read('0', 10)).toBe(true);
    expect(marks.read('0', 9)).toBe(false);
    expect(marks.get('0')).toBe(10);
    expect(marks.get('1')).toBeUndefined();
  });

  it('survives a reload, apart for each user', () => {
    const storage = memory();
    const marks = new ReadMarks(1, storage);
    expect(marks.isEmpty).toBe(true);
    marks.read('0', 10);
    marks.save();
    expect(new ReadMarks(1, storage).get('0')).toBe(10);
    expect(new ReadMarks(2, storage).get('0')).toBeUndefined();
  });

  it('takes over what another tab has read, and loses none of it', () => {
    const storage = memory();
    const here = new ReadMarks(1, storage);
    const there = new ReadMarks(1, storage);
    there.read('0', 10);
    there.save();
    here.read('1', 5);
    here.save();
    there.merge();
    expect([here.get('0'), there.get('1')]).toEqual([10, 5]);
  });

  it.each(['{', 'null', '[]', '"x"', '{"0":"x"}'])('begins anew when the storage holds %s', (content) => {
    const marks = new ReadMarks(1, memory({ 'chat.read.1': content }));
    expect(marks.get('0')).toBeUndefined();
    expect(marks.read('0', 1)).toBe(true);
  });

  it('works without a storage, or with one that throws', () => {
    const refuse = () => {
      throw new Error('denied');
    };
    for (const storage of [undefined, { getItem: refuse, setItem: refuse }]) {
      const marks = new ReadMarks(1, storage);
      marks.read('0', 3);
      marks.save();
      expect(marks.get('0')).toBe(3);
    }
  });
});
