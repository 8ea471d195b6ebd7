import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCookies, readToken } from './cookies.ts';

const TOKEN = 'A-_'.repeat(14).concat('z');

describe('parseCookies', () => {
  it.each([
    [undefined, {}],
    ['', {}],
    ['sid=abc', { sid: 'abc' }],
    ['a=1; sid=abc;b=2', { a: '1', sid: 'abc', b: '2' }],
    ['sid="abc"', { sid: 'abc' }],
    ['sid=a=b=', { sid: 'a=b=' }],
    ['sid=first; sid=second', { sid: 'first' }],
    [';;=;x;  ; sid=abc', { sid: 'abc' }],
    ['__proto__=1; sid=abc', { __proto__: '1', sid: 'abc' }],
  ])('%s', (header, cookies) => {
    expect(parseCookies(header).sid).toBe((cookies as { sid?: string }).sid);
  });

  it('reads anything without failing', () => {
    fc.assert(fc.property(fc.string(), (header) => typeof parseCookies(header) === 'object'));
  });
});

describe('readToken', () => {
  it('reads the cookie or the Bearer token, which goes first', () => {
    const other = 'b'.repeat(43);
    expect(readToken({ cookie: `a=b; sid=${TOKEN}` })).toBe(TOKEN);
    expect(readToken({ authorization: `Bearer ${TOKEN}` })).toBe(TOKEN);
    expect(readToken({ authorization: `bearer  ${TOKEN}`, cookie: `sid=${other}` })).toBe(TOKEN);
  });

  it.each([
    {},
    { cookie: 'sid=' },
    { cookie: 'sid=short' },
    { cookie: `sid=${TOKEN}x` },
    { cookie: `sid=${TOKEN.slice(1)}/` },
    { authorization: `Basic ${TOKEN}` },
    { authorization: 'Bearer' },
    { authorization: `Bearer ${TOKEN} x` },
  ])('finds no token in %o', (headers) => {
    expect(readToken(headers)).toBeUndefined();
  });
});
