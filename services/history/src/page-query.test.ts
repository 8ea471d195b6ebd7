import { AppError } from '@chat/kit';
import { describe, expect, it } from 'vitest';
import { readPageQuery } from './page-query.ts';

const read = (query: string) => readPageQuery(new URLSearchParams(query));

describe('readPageQuery', () => {
  it.each([
    ['', { range: 'newest', offset: 0, size: 50 }],
    ['offset=150&size=200', { range: 'newest', offset: 150, size: 200 }],
    ['before=1615480369.123456', { range: 'before', date: 1615480369.123456, size: 50 }],
    ['after=0&size=1', { range: 'after', date: 0, size: 1 }],
    ['after=1615480369123', { range: 'after', date: 1615480369123, size: 50 }],
    ['size=5&unknown=1', { range: 'newest', offset: 0, size: 5 }],
  ])('reads %j', (query, expected) => {
    expect(read(query)).toEqual(expected);
  });

  it('reads a date of 17 digits to the same double that Redis holds', () => {
    expect(read('before=1615480369.1234567')).toMatchObject({ date: 1615480369.1234567 });
    expect(read('before=1615480369.1234565')).not.toEqual(read('before=1615480369.1234567'));
  });

  it.each([
    'offset=-1',
    'size=1e9',
    'before=NaN',
    'before=1&after=2',
    'size=0',
    'size=201',
    'size=5&size=6',
    'before=1&before=1',
    'offset=',
    'offset=0&after=1',
  ])('refuses %j', (query) => {
    expect(() => read(query)).toThrow(AppError);
    expect(() => read(query)).toThrow(expect.objectContaining({ code: 'bad_request' }));
  });
});
