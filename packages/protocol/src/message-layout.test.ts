import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOwnMember, joinMessage, messageFragments } from './message-layout.ts';

const DATE = '1615480369.123456';

describe('the layout of a message', () => {
  it('takes every text, and is known again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const member = joinMessage(messageFragments(7, '1:2', text, 'c-1'), DATE, '0');
        expect(JSON.parse(member)).toEqual({
          from: 7,
          date: 1615480369.123456,
          message: text,
          roomId: '1:2',
          prev: 0,
          cid: 'c-1',
        });
        expect(isOwnMember(member, '1:2', Number(DATE))).toBe(true);
      }),
    );
  });

  it('leaves out the cid where there is none', () => {
    const member = joinMessage(messageFragments(7, '0', 'Hi'), DATE, '1615480301.5');
    expect(member).toBe(
      '{"from":7,"date":1615480369.123456,"message":"Hi","roomId":"0","prev":1615480301.5}',
    );
    expect(isOwnMember(member, '0', Number(DATE))).toBe(true);
  });

  it('is not that of a message of another room, nor of one that names two, nor of another date', () => {
    const member = joinMessage(messageFragments(7, '1:2', ',"roomId":"0","prev":0'), DATE, '0');
    expect(isOwnMember(member, '0', Number(DATE))).toBe(false);
    expect(isOwnMember(member, '1:20', Number(DATE))).toBe(false);
    expect(isOwnMember(member, '1:2', 1)).toBe(false);
  });
});
