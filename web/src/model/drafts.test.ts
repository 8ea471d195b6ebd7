import { describe, expect, it } from 'vitest';
import { type DraftStorage, Drafts } from './drafts.ts';

function memory(content?: string): DraftStorage {
  const items = new Map<string, string>(content === undefined ? [] : [['chat.drafts.1', content]]);
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

describe('Drafts', () => {
  it('survive a reload, by user and room', () => {
    const storage = memory();
    new Drafts(1, storage).set('0', 'half a thought');
    expect(new Drafts(1, storage).get('0')).toBe('half a thought');
    expect(new Drafts(1, storage).get('5')).toBe('');
    expect(new Drafts(2, storage).get('0')).toBe('');
  });

  it('end when they are sent, and with the sign-out', () => {
    const storage = memory();
    const drafts = new Drafts(1, storage);
    drafts.set('0', 'sent');
    drafts.set('0', '');
    drafts.set('5', 'left');
    drafts.clear();
    expect(new Drafts(1, storage).get('0')).toBe('');
    expect(new Drafts(1, storage).get('5')).toBe('');
  });

  it.each(['', '{', 'null', '{}', '[1, ["0"], ["0", 5]]'])('takes a stored %j for none', (content) => {
    expect(new Drafts(1, memory(content)).get('0')).toBe('');
  });

  it('works without a storage', () => {
    const drafts = new Drafts(1, undefined);
    drafts.set('0', 'kept');
    expect(drafts.get('0')).toBe('kept');
  });
});
