import { describe, expect, test } from 'vitest';
import { checkNode, installed, RequirementError } from './dependencies.mjs';

describe('checkNode', () => {
  test.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0'])('takes Node %s', (version) => {
    expect(() => checkNode(version)).not.toThrow();
  });

  test.each(['18.20.0', '20.18.9'])('refuses Node %s and names what is needed', (version) => {
    expect(() => checkNode(version)).toThrow(RequirementError);
    expect(() => checkNode(version)).toThrow(/Node 20\.19 or newer/);
  });
});

describe('installed', () => {
  const wanted = {
    '': { version: '0.1.0' },
    'packages/kit': { version: '0.1.0' },
    'node_modules/@chat/kit': { link: true },
    'node_modules/koa': { version: '3.3.0' },
    'node_modules/@esbuild/aix-ppc64': { version: '0.28.2', optional: true },
  };
  const present = { 'node_modules/@chat/kit': { link: true }, 'node_modules/koa': { version: '3.3.0' } };

  test('is true when every package is there, apart from binaries for other machines', () => {
    expect(installed(wanted, present)).toBe(true);
  });

  test('is false without node_modules, with another version, and with a package that is missing', () => {
    expect(installed(wanted, undefined)).toBe(false);
    expect(installed(wanted, { ...present, 'node_modules/koa': { version: '3.2.0' } })).toBe(false);
    expect(installed(wanted, { 'node_modules/koa': { version: '3.3.0' } })).toBe(false);
  });
});
