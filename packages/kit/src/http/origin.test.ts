import { describe, expect, it } from 'vitest';
import { originAllowed } from './origin.ts';

const LISTED = ['https://chat.example.org', 'http://localhost:5173'];

describe('originAllowed', () => {
  it.each([
    [undefined, 'chat.internal:8080'],
    ['', 'chat.internal:8080'],
    ['http://chat.internal:8080', 'chat.internal:8080'],
    ['http://chat.internal', 'chat.internal:8081'],
    ['https://CHAT.internal', 'chat.INTERNAL'],
    ['http://127.0.0.1:9', '127.0.0.1:8080'],
    ['http://[::1]:9', '[::1]:8080'],
    ['https://chat.example.org', 'chat.internal'],
    ['http://localhost:5173', undefined],
  ])('allows %s on %s', (origin, host) => {
    expect(originAllowed(origin, host, LISTED)).toBe(true);
  });

  it.each([
    ['https://evil.example', 'chat.internal'],
    ['https://chat.internal.evil.example', 'chat.internal'],
    ['https://evil-chat.internal', 'chat.internal'],
    ['https://sub.chat.internal', 'chat.internal'],
    ['http://localhost:1', 'chat.internal'],
    ['http://127.0.0.1', 'localhost'],
    ['null', 'null'],
    ['null', 'chat.internal'],
    ['file://', 'chat.internal'],
    ['chat.internal', 'chat.internal'],
    ['https://chat.internal@evil.example', 'chat.internal'],
    ['garbage', undefined],
    ['http://chat.internal', undefined],
    ['http://x', 'bad host'],
  ])('refuses %s on %s', (origin, host) => {
    expect(originAllowed(origin, host, LISTED)).toBe(false);
  });
});
