import type { Message } from '@chat/protocol';
import { describe, expect, it } from 'vitest';
import { type Item, timeline } from './timeline.ts';

const NOON = new Date(2026, 4, 5, 12, 0, 0).getTime() / 1000;
const DAY = 86_400;

const message = (date: number, from = 1, text = `at ${date}`): Message => ({
  from,
  date,
  message: text,
  roomId: '0',
});

const shape = (items: Item[]) =>
  items.map((item) => (item.kind === 'group' ? `${item.from}x${item.rows.length}` : item.kind));

describe('timeline', () => {
  it('groups a sender’s messages that follow each other within five minutes', () => {
    const messages = [message(NOON), message(NOON + 60), message(NOON + 61, 2), message(NOON + 62)];
    expect(shape(timeline({ messages, me: 9 }))).toEqual(['day', '1x2', '2x1', '1x1']);
    const later = [message(NOON), message(NOON + 301)];
    expect(shape(timeline({ messages: later, me: 9 }))).toEqual(['day', '1x1', '1x1']);
  });

  it('begins a new group on a new day', () => {
    const midnight = new Date(2026, 4, 6, 0, 0, 0).getTime() / 1000;
    const messages = [message(midnight - 1), message(midnight + 1), message(midnight + DAY)];
    expect(shape(timeline({ messages, me: 9 }))).toEqual(['day', '1x1', 'day', '1x1', 'day', '1x1']);
  });

  it('marks the first unread message', () => {
    const messages = [message(NOON, 2), message(NOON + 1, 1), message(NOON + 2, 2), message(NOON + 3, 2)];
    const items = timeline({ messages, me: 1, firstUnread: NOON + 2 });
    expect(shape(items)).toEqual(['day', '2x1', '1x1', 'unread', '2x2']);
    expect(shape(timeline({ messages, me: 1, firstUnread: NOON + 9 }))).not.toContain('unread');
  });

  it('repeats no marker that belongs before the part that is shown', () => {
    const before = message(NOON - 1, 2);
    const items = timeline({ messages: [message(NOON, 2)], before, me: 1, firstUnread: NOON - 1 });
    expect(shape(items)).toEqual(['2x1']);
    const gaps = [{ from: NOON - 1, to: NOON }];
    expect(shape(timeline({ messages: [message(NOON, 2)], before, gaps, me: 1 }))).toEqual(['gap', '2x1']);
  });

  it('shows a gap where messages are missing', () => {
    const messages = [message(NOON), message(NOON + 1), message(NOON + 50)];
    const gaps = [{ from: NOON + 1, to: NOON + 50 }];
    expect(shape(timeline({ messages, gaps, me: 9 }))).toEqual(['day', '1x2', 'gap', '1x1']);
  });

  it('shows no gap before the first message that is shown', () => {
    const gaps = [{ from: NOON - 9, to: NOON }];
    expect(shape(timeline({ messages: [message(NOON)], gaps, me: 9 }))).toEqual(['day', '1x1']);
  });

  it('puts what is on its way under the own last message', () => {
    const outgoing = [{ key: 'k', text: 'soon', state: 'sending' as const }];
    expect(shape(timeline({ messages: [message(NOON)], outgoing, me: 1 }))).toEqual(['day', '1x2']);
    expect(shape(timeline({ messages: [message(NOON, 2)], outgoing, me: 1 }))).toEqual(['day', '2x1', '1x1']);
    expect(shape(timeline({ messages: [], outgoing, me: 1 }))).toEqual(['1x1']);
  });

  it('gives every item and row a key of its own', () => {
    const messages = [message(NOON, 1, 'a'), message(NOON, 1, 'b'), message(NOON, 2, 'a')];
    const rows = timeline({ messages, me: 9 }).flatMap((item) => (item.kind === 'group' ? item.rows : []));
    expect(new Set(rows.map((row) => row.key)).size).toBe(3);
  });
});
