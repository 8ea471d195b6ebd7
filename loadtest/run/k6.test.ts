import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findK6, K6MissingError, k6InPath } from './k6.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chat-k6-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

/** A k6 of another version than the one that may be here; only `k6 version` is asked of it. */
function install(version: string): void {
  const file = join(directory, 'k6');
  writeFileSync(file, `#!/bin/sh\necho "k6 ${version} (go1.26.1, linux/amd64)"\n`);
  chmodSync(file, 0o755);
}

function find() {
  const path = ['/no/such/directory', directory].join(delimiter);
  return findK6({ path, root: '/srv/chat/', results: '/srv/chat/loadtest/results' });
}

test.each(['v1.6.0', 'v1.8.1', 'v2.2.0', 'v2.0.0-rc1', 'v10.0.1'])('%s in PATH is used', (version) => {
  install(version);
  expect(find()).toEqual({ name: `k6 ${version}`, kind: 'path', command: join(directory, 'k6'), args: [] });
});

test.each(['v0.57.0', 'v1.5.0'])(
  '%s has no k6/websockets: the error says from which version on',
  (version) => {
    install(version);
    expect(find).toThrow(K6MissingError);
    expect(find).toThrow(`is ${version}, and the scenarios need 1.6 or newer`);
  },
);

test('a directory of that name is no k6', () => {
  mkdirSync(join(directory, 'first', 'k6'), { recursive: true });
  install('v1.8.1');
  expect(k6InPath([join(directory, 'first'), directory].join(delimiter))).toBe(join(directory, 'k6'));
});

test('an empty entry of PATH is the working directory', () => {
  install('v1.8.1');
  const before = process.cwd();
  process.chdir(directory);
  try {
    expect(k6InPath(`/no/such/directory${delimiter}`)).toBe(join(process.cwd(), 'k6'));
  } finally {
    process.chdir(before);
  }
});

test('a file that cannot be executed is no k6', () => {
  writeFileSync(join(directory, 'k6'), '');
  const path = process.env.PATH;
  process.env.PATH = directory;
  try {
    // Without Docker in PATH either.
    expect(find).toThrow(/^k6 is not installed and Docker does not answer: install k6 \(https:/);
  } finally {
    process.env.PATH = path;
  }
});
