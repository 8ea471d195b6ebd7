import { describe, expect, test } from 'vitest';
import { checkMachine, installed, RequirementError } from './dependencies.mjs';

describe('checkMachine', () => {
  const linux = { platform: 'linux', glibc: '2.41' };

  test.each([
    ['20.19.0', '2.27'],
    ['20.20.2', '2.36'],
    ['22.0.0', '2.38'],
    ['24.1.0', '2.41'],
  ])('takes Node %s with glibc %s', (node, glibc) => {
    expect(() => checkMachine({ ...linux, node, glibc })).not.toThrow();
  });

  test.each(['18.20.0', '20.18.9', '23.1.0', '26.0.0'])('refuses Node %s and names those that do', (node) => {
    expect(() => checkMachine({ ...linux, node })).toThrow(RequirementError);
    expect(() => checkMachine({ ...linux, node })).toThrow(/Node 20 \(20\.19 or newer\), 22, 24 or 25/);
  });

  test.each([
    [
      '24.1.0',
      '2.36',
      /Node 24 needs glibc 2\.38 here, and this system has 2\.36: use Debian 13.*or Node 20/,
    ],
    ['22.1.0', '2.17', /needs glibc 2\.38 here, and this system has 2\.17: use Debian 13(?!.*Node 20)/],
    ['20.19.0', '2.17', /Node 20 needs glibc 2\.27 here/],
    ['24.1.0', undefined, /no glibc/],
  ])('with Node %s and glibc %s it says what helps', (node, glibc, message) => {
    expect(() => checkMachine({ ...linux, node, glibc })).toThrow(message);
  });

  test('sends Windows to WSL, and asks macOS for no glibc', () => {
    expect(() => checkMachine({ node: '24.1.0', platform: 'win32', glibc: undefined })).toThrow(/WSL 2/);
    expect(() => checkMachine({ node: '24.1.0', platform: 'darwin', glibc: undefined })).not.toThrow();
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
