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
});
