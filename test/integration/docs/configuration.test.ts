import { baseSchema } from '@chat/kit';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { schema as auth } from '../../../services/auth/src/config.ts';
import { schema as history } from '../../../services/history/src/config.ts';
import { configSchema as realtime } from '../../../services/realtime/src/config.ts';
import { codes, readText, section, tableRows } from './markdown.ts';

const README = readText('README.md');
const SERVICES = { auth, history, realtime };
/** Their defaults depend on the machine. */
const BY_MACHINE = new Set(['BCRYPT_CONCURRENCY']);

/** The variables of a table, each with its default as it is written. */
function variables(text: string): Map<string, string> {
  const rows = tableRows(text).filter(([name]) => /^`[A-Z_]+`$/.test(name!));
  return new Map(rows.map(([name, given]) => [codes(name!)[0]!, given!]));
}

/** Whether the table's default means the schema's: a text in backticks is read as the variable would be. */
function meansDefault(schema: z.ZodObject, name: string, written: string): boolean {
  const field = schema.shape[name] as z.ZodType;
  const standard = JSON.stringify(field.parse(undefined));
  const [text] = codes(written);
  if (text !== undefined) return JSON.stringify(field.parse(text)) === standard;
  return standard === undefined || standard === '[]' || BY_MACHINE.has(name);
}

describe('the configuration in README.md', () => {
  const shared = variables(section(README, '### All services'));

  it('has every variable of all services with its default', () => {
    expect(new Set(shared.keys())).toEqual(new Set(Object.keys(baseSchema.shape)));
    for (const [name, written] of shared)
      expect({ name, written, right: meansDefault(baseSchema, name, written) }).toMatchObject({
        right: true,
      });
  });

  it.each(Object.entries(SERVICES))('has every variable of %s with its default', (service, schema) => {
    const own = variables(section(README, `### ${service}`));
    for (const name of Object.keys(schema.shape)) {
      const written = own.get(name) ?? shared.get(name);
      const right = written !== undefined && meansDefault(schema, name, written);
      expect({ name, written, right }).toMatchObject({ right: true });
    }
    for (const name of own.keys()) expect(Object.keys(schema.shape)).toContain(name);
  });

  it('has every variable of npm start --help that npm start reads itself', () => {
    const help = /const HELP = `([\s\S]*?)Handed on/.exec(readText('scripts/start.mjs'))?.[1] ?? '';
    const told = Array.from(help.matchAll(/^ {2}([A-Z_]+)/gm), ([, name]) => name!);
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(variables(section(README, '### npm start')).keys())).toEqual(new Set(told));
  });

  it('has every variable that the gateway reads', () => {
    const files = ['deploy/gateway/haproxy.cfg', 'deploy/gateway/backends.kubernetes.cfg']
      .map(readText)
      .join('\n');
    const read = Array.from(
      files.matchAll(/"[^"\n]*\$\{([A-Z_]+)|defined\(([A-Z_]+)\)/g),
      ([, a, b]) => a ?? b!,
    );
    const told = codes(section(README, '### gateway'));
    for (const name of ['PORT', ...read]) expect(told).toContain(name);
  });
});

describe('the README of a service', () => {
  it.each(Object.entries(SERVICES))('of %s has every variable of its own', (service, schema) => {
    const told = codes(readText(`services/${service}/README.md`));
    const own = Object.keys(schema.shape).filter((name) => !(name in baseSchema.shape));
    for (const name of own) expect(told).toContain(name);
  });

  it.each(Object.entries(SERVICES))('of %s tells the defaults of its table right', (service, schema) => {
    for (const [name, written] of variables(readText(`services/${service}/README.md`))) {
      if (codes(written).length === 0) continue;
      expect({ name, written, right: meansDefault(schema, name, written) }).toMatchObject({ right: true });
    }
  });
});
