import { expect, test } from 'vitest';
import { decodePayload, encodeData, encodeEnd } from './payload.ts';

const DATA = { run: 'mwu585ol', sender: 7, seq: 19, sentAt: 1795491416948, serverId: 'vm-688d5ce2' };

test('a text tells who sent what when, through which replica, at any length', () => {
  for (const bytes of [0, 200]) {
    const text = encodeData(DATA, bytes);
    expect(decodePayload(text)).toEqual({ kind: 'data', ...DATA });
    expect(text.length).toBeGreaterThanOrEqual(bytes);
  }
});

test('a last word tells how many were sent and which of them failed', () => {
  const end = { run: 'mwu585ol', sender: 7, count: 20, failed: [] as number[] };
  expect(decodePayload(encodeEnd(end))).toEqual({ kind: 'end', ...end });
  const failing = { ...end, failed: [3, 20] };
  expect(decodePayload(encodeEnd(failing))).toEqual({ kind: 'end', ...failing });
});

test('a last word with thousands of failures stays below the size limit of a message', () => {
  const failed = Array.from({ length: 5000 }, (_, index) => 100_000 + index);
  expect(encodeEnd({ run: 'mwu585ol', sender: 7, count: 200_000, failed }).length).toBeLessThan(4096);
});

test('what people write is no payload', () => {
  for (const text of ['', 'Hello', 'load', 'load of hay', 'a b c d e f g']) {
    expect(decodePayload(text)).toBeUndefined();
  }
});
