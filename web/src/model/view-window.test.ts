import type { Message } from '@chat/protocol';
import { describe, expect, it } from 'vitest';
import {
  frozenView,
  hasOlder,
  inView,
  newerView,
  olderView,
  tailView,
  VIEW,
  viewAround,
} from './view-window.ts';

function messages(count: number, first = 1): Message[] {
  return Array.from({ length: count }, (_, index) => ({
    from: 1,
    date: first + index,
    message: 'x',
    roomId: '0',
  }));
}

const range = (list: Message[]) => [list[0]?.date, list.at(-1)?.date, list.length];

describe('the part of the messages that is in the page', () => {
  it('begins at the tail and follows what comes', () => {
    const view = tailView(messages(1000));
    expect(range(inView(messages(1000), view))).toEqual([941, 1000, 60]);
    expect(range(inView(messages(1010), view))).toEqual([941, 1010, 70]);
  });

  it('shows all of a short room', () => {
    expect(inView(messages(3), tailView(messages(3)))).toHaveLength(3);
    expect(inView([], tailView([]))).toEqual([]);
    expect(inView(messages(2), tailView([]))).toHaveLength(2);
  });

  it('never holds more than the most, however far one scrolls back', () => {
    const all = messages(2000);
    let view = tailView(all);
    for (let step = 0; step < 50; step++) {
      view = olderView(all, view);
      expect(inView(all, view).length).toBeLessThanOrEqual(VIEW.most);
    }
    expect(range(inView(all, view))).toEqual([1, 240, 240]);
    expect(hasOlder(all, view)).toBe(false);
  });

  it('comes back to the tail step by step', () => {
    const all = messages(2000);
    let view = viewAround(all, 100);
    expect(inView(all, view).some((message) => message.date === 100)).toBe(true);
    for (let step = 0; step < 50; step++) view = newerView(all, view);
    expect(view.end).toBe(Number.POSITIVE_INFINITY);
    expect(range(inView(all, view))).toEqual([1761, 2000, 240]);
  });

  it('stays what it is when older ones are loaded before it and newer ones arrive', () => {
    const view = frozenView(messages(100, 500), { start: 540, end: Number.POSITIVE_INFINITY });
    expect(range(inView(messages(300, 400), view))).toEqual([540, 599, 60]);
  });

  it('opens near a date, or at the tail when the date is there', () => {
    expect(viewAround(messages(100), 90)).toEqual(tailView(messages(100)));
  });
});
