import { parse } from 'node:querystring';
import { describe, expect, it } from 'vitest';
import { MAX_USER_IDS, readUserIds } from './user-ids.ts';

const read = (query: string) => readUserIds(parse(query));

describe('readUserIds', () => {
  it.each([
    ['', []],
    ['ids[]=1', [1]],
    ['ids[]=1&ids[]=2', [1, 2]],
    ['ids=1&ids=2', [1, 2]],
    ['ids[]=1,2', [1, 2]],
    ['ids=1,2,&ids[]=3', [3, 1, 2]],
    ['ids=1&ids=1', [1]],
  ])('reads %j', (query, ids) => {
    expect(read(query)).toEqual(ids);
  });

  it('counts an id once towards the limit', () => {
    expect(
      read(
        `ids=${Array(MAX_USER_IDS + 50)
          .fill(7)
          .join(',')}`,
      ),
    ).toEqual([7]);
  });

  it.each(['ids=x', 'ids=0', 'ids=1,-2', 'ids[]=1.5'])('refuses %j', (query) => {
    expect(() => read(query)).toThrow(expect.objectContaining({ code: 'bad_request' }));
  });
});
