import { isCid } from '@chat/protocol';
import { expect, test } from 'vitest';
import { newCid } from './cid.ts';

test('ids have 22 characters that the server takes, and differ', () => {
  const cids = new Set(Array.from({ length: 10_000 }, newCid));
  expect(cids.size).toBe(10_000);
  for (const cid of cids) {
    expect(cid).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(isCid(cid)).toBe(true);
  }
});
