import { describe, expect, it } from 'vitest';
import { FrameError, parseClientFrame } from './frames.ts';

function refusal(text: string): FrameError {
  try {
    parseClientFrame(text);
  } catch (error) {
    if (error instanceof FrameError) return error;
    throw error;
  }
  throw new Error(`read: ${text.slice(0, 80)}`);
}
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('parseClientFrame', () => {
  // JSON.parse reads these, JSON.stringify overflows the stack over them: once that ended the process.
  it.each([
    ['the data of a ping', `{"type":"ping","data":${nested(7000)}}`, 'bad_request'],
    ['a type', `{"type":${nested(7000)}}`, 'unknown_type'],
    ['a room id', `{"type":"typing","data":{"roomId":${nested(7000)}}}`, 'invalid_room'],
  ])('refuses %s that is nested too deeply to be written again', (_, text, code) => {
    expect(refusal(text).code).toBe(code);
  });

  it('gives a ping back what it carries', () => {
    for (const data of ['x', 7, null, { at: [1, { b: nested(3) }] }]) {
      expect(parseClientFrame(JSON.stringify({ type: 'ping', data }))).toEqual({ type: 'ping', data });
    }
  });

  it('shows little of what it refuses', () => {
    expect(refusal(JSON.stringify({ type: 'x'.repeat(9000) })).message.length).toBeLessThan(100);
    expect(refusal('{"type":{"a":1}}').message).toBe('unknown frame type an object');
    expect(refusal('{}').message).toBe('unknown frame type undefined');
  });

  it('names the message whose frame is refused', () => {
    expect(refusal('{"type":"message","data":{},"cid":"c-1"}').cid).toBe('c-1');
  });
});
