import { CHANNEL, CLOSE, ERRORS, parseClientFrame } from '@chat/protocol';
import { keys } from '@chat/store';
import { describe, expect, it } from 'vitest';
import { codes, readText, section, tableRows } from './markdown.ts';

const PROTOCOL = readText('docs/protocol.md');
const FRAMES = readText('packages/protocol/src/frames.ts');

/** The types of a union of frames. They exist in types alone, so they are read from the source. */
function frameTypes(union: 'ClientFrame' | 'ServerFrame'): string[] {
  const source = new RegExp(`export type ${union} =([\\s\\S]*?);\\n\\n`).exec(FRAMES)?.[1] ?? '';
  return Array.from(source.matchAll(/\{\s*type: '([^']+)'/g), ([, type]) => type!);
}

/** The examples of frames in one direction, as they stand behind the arrow. */
function examples(arrow: '->' | '<-'): string[] {
  return PROTOCOL.split('\n')
    .filter((line) => line.startsWith(`${arrow} `))
    .map((line) => line.slice(3));
}

const typesOf = (lines: string[]) =>
  new Set(lines.map((line) => (JSON.parse(line) as { type: string }).type));

describe('docs/protocol.md', () => {
  it('shows every frame of a client, and the server reads each example', () => {
    const types = frameTypes('ClientFrame');
    expect(types).toContain('resume');
    for (const example of examples('->')) expect(() => parseClientFrame(example)).not.toThrow();
    expect(typesOf(examples('->'))).toEqual(new Set(types));
  });

  it('shows every frame of a server', () => {
    const types = frameTypes('ServerFrame');
    expect(types).toContain('hello');
    expect(typesOf(examples('<-'))).toEqual(new Set(types));
  });

  it('names every close code with what the client does', () => {
    const rows = new Map(
      tableRows(section(PROTOCOL, '## Close codes')).map(([code, , does]) => [code, does]),
    );
    const told = Object.values(CLOSE).map(({ code, client }) => [String(code), client] as const);
    expect(new Set(rows.keys())).toEqual(new Set(told.map(([code]) => code)));
    for (const [code, client] of told) expect(rows.get(code)).toContain(client);
  });

  it('names every error code with its status and whether a retry makes sense', () => {
    const rows = tableRows(section(PROTOCOL, '## Error codes')).map(([code, status, again]) => [
      codes(code!)[0],
      Number(status),
      again === 'yes',
    ]);
    expect(rows).toEqual(
      Object.entries(ERRORS).map(([code, { status, retryable }]) => [code, status, retryable]),
    );
  });

  it('names every Redis key', () => {
    const told = codes(section(PROTOCOL, '## Redis'));
    const samples = Object.values(keys).map((key) =>
      typeof key === 'string' ? key : (key as (part: string) => string)('{}'),
    );
    for (const sample of [CHANNEL, ...samples]) {
      const shown = told.some((code) => code === sample || code.replace(/\{\w+\}/g, '{}').startsWith(sample));
      expect({ sample, shown }).toEqual({ sample, shown: true });
    }
  });
});
