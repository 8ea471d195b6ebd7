import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linkify } from './linkify.ts';

const links = (text: string) => linkify(text).filter((piece) => piece.href);

describe('linkify', () => {
  it('leaves text without links in one piece', () => {
    expect(linkify('plain <b>text</b>')).toEqual([{ text: 'plain <b>text</b>' }]);
    expect(linkify('')).toEqual([]);
  });

  it('links http and https', () => {
    expect(linkify('see https://redis.io/docs now')).toEqual([
      { text: 'see ' },
      { text: 'https://redis.io/docs', href: 'https://redis.io/docs' },
      { text: ' now' },
    ]);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'ftp://a.b/c', 'http://', 'https://%'])(
    'does not link %s',
    (text) => {
      expect(links(text)).toEqual([]);
    },
  );

  it('links www. to https, at the beginning of a word', () => {
    expect(links('see www.example.test/page.')).toEqual([
      { text: 'www.example.test/page', href: 'https://www.example.test/page' },
    ]);
    expect(links('http://www.example.test')[0]?.href).toBe('http://www.example.test/');
    expect(links('www. and awww.example.test and www..')).toEqual([]);
  });

  it('leaves punctuation and foreign brackets to the sentence', () => {
    expect(links('(see http://a.example/x).')[0]?.text).toBe('http://a.example/x');
    expect(links('http://a.example/b_(c)!')[0]?.text).toBe('http://a.example/b_(c)');
  });

  it('stops at quotes and angle brackets', () => {
    expect(links('<a href="http://a.example/"onclick=x>')[0]?.text).toBe('http://a.example/');
  });

  it('stops at characters that turn the direction of text', () => {
    expect(links('http://a.example/\u202egpj.exe')[0]?.text).toBe('http://a.example/');
  });

  it('loses no character', () => {
    const text = 'a http://x.example, b https://y.example/(z)) 🎉 سلام http://';
    const joined = linkify(text).map((piece) => piece.text);
    expect(joined.join('')).toBe(text);
  });

  it('cuts off the end what a count of all brackets before each character would', () => {
    const end = fc.string({ unit: fc.constantFrom('a', '/', ...'()[]{}', ...'.,;!…') });
    fc.assert(
      fc.property(end, (text) => {
        const link = `http://a.example/${text}`;
        expect(links(link)[0]?.text).toBe(trimmed(link));
      }),
    );
  });

  it('takes four times as long for a link of four times as many brackets', () => {
    const ratio = fastest(brackets(20_000)) / fastest(brackets(5_000));
    // It was 16 when all brackets were counted for each one.
    expect(ratio).toBeLessThan(10);
  });
});

const brackets = (count: number) => `http://a.example/${')'.repeat(count)}`;

function fastest(text: string): number {
  const times = Array.from({ length: 10 }, () => {
    const start = performance.now();
    linkify(text);
    return performance.now() - start;
  });
  return Math.min(...times);
}

function trimmed(link: string): string {
  const last = link.at(-1)!;
  const pair = ['()', '[]', '{}'].find(([, closing]) => closing === last);
  const trims = pair ? link.split(pair[0]!).length < link.split(last).length : '.,;!…'.includes(last);
  return trims ? trimmed(link.slice(0, -1)) : link;
}
