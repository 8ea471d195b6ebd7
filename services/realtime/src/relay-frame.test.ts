import { encodeEnvelope } from '@chat/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRelayed } from './relay-frame.ts';

/** As the append script writes it. */
const envelope = (text: string, tail = ',"cid":"c-1"') =>
  `{"serverId":"host-1a2b","type":"message","data":{"from":1,"date":1615480369.123456,"message":${JSON.stringify(text)},"roomId":"1:2","prev":1615480301.5${tail}}}`;

describe('readRelayed', () => {
  it('reads room, date and prev, and cuts the frame out of the same bytes', () => {
    const bytes = Buffer.from(envelope('Hello'));
    const message = readRelayed(bytes)!;
    expect(message).toMatchObject({ roomId: '1:2', date: 1615480369.123456, prev: 1615480301.5 });
    const frame = message.frame as Buffer;
    expect(frame.buffer).toBe(bytes.buffer);
    expect(JSON.parse(frame.toString())).toEqual({
      type: 'message',
      data: JSON.parse(envelope('Hello')).data,
    });
  });

  it('reads a first message and one without a cid', () => {
    expect(readRelayed(Buffer.from(envelope('x', '')))).toBeDefined();
    expect(readRelayed(Buffer.from(envelope('x').replace('1615480301.5', '0')))).toMatchObject({ prev: 0 });
  });

  it('passes every text on unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const message = readRelayed(Buffer.from(envelope(text)))!;
        const frame = JSON.parse(Buffer.from(message.frame as Buffer).toString());
        expect(frame.data.message).toBe(JSON.parse(JSON.stringify(text)));
      }),
    );
  });

  it('never passes on what is not JSON in UTF-8', () => {
    const good = Buffer.from(envelope('Grüße 🎉 "x"'));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(good);
        bytes[at] = byte;
        const message = readRelayed(bytes);
        if (!message) return;
        const text = new TextDecoder('utf-8', { fatal: true }).decode(message.frame as Buffer);
        expect(JSON.parse(text).type).toBe('message');
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['other fields first', '{"type":"message","serverId":"x","data":{}}'],
    ['white space', envelope('x').replace(',', ', ')],
    ['an event', encodeEnvelope('x', 'user.connected', { id: 1 })],
    ['a room id that is none', envelope('x').replace('1:2', '2:1')],
    ['one field more', envelope('x', ',"cid":"c","edited":true')],
    ['a text that ends early', envelope('x').replace('"x"', '"x" "')],
    ['a text with a raw control character', envelope('x').replace('"x"', '"\u0001"')],
    // Passed on, these were no JSON: found by the fuzzer.
    ['a date with a leading zero', envelope('x').replace('1615480369', '0615480369')],
    ['a prev with a leading zero', envelope('x').replace('1615480301', '0615480301')],
    ['a date before what it follows', envelope('x').replace('1615480301.5', '1615480369.2')],
    ['nothing', ''],
  ])('leaves it to the parser: %s', (_, text) => {
    expect(readRelayed(Buffer.from(text))).toBeUndefined();
  });
});
