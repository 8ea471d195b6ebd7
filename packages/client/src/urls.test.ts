import { expect, test } from 'vitest';
import { Urls } from './urls.ts';

test('a round goes from the first to the last', () => {
  const urls = new Urls(['a', 'b', 'c']);
  const round = [urls.current];
  while (urls.hasNext) {
    urls.next();
    round.push(urls.current);
  }
  expect(round).toEqual(['a', 'b', 'c']);
});

test('the one that worked begins the next round, the first the one after that', () => {
  const urls = new Urls(['a', 'b', 'c']);
  urls.next();
  urls.worked();
  urls.begin();
  expect(urls.current).toBe('b');
  urls.worked();
  urls.begin();
  expect(urls.current).toBe('a');
});

test('when the remembered one fails, the others are tried from the first on', () => {
  const urls = new Urls(['a', 'b', 'c']);
  urls.next();
  urls.worked();
  urls.begin();
  urls.next();
  expect(urls.current).toBe('a');
  urls.next();
  expect(urls.current).toBe('c');
  urls.worked();
  urls.begin();
  expect(urls.current).toBe('c');
});

test('the first needs no remembering', () => {
  const urls = new Urls(['a', 'b']);
  urls.worked();
  urls.begin();
  expect(urls.current).toBe('a');
});
