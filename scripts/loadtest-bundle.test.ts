import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bundleScenario } from './loadtest-bundle.mjs';

function outfile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'chat-bundle-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'scenario.js');
}

test.each(['fanout', '03-fanout', 'loadtest/03-fanout.ts'])('%s is bundled into one file', async (name) => {
  const text = readFileSync(await bundleScenario(name, outfile()), 'utf8');
  expect(text).toContain('handleSummary');
  expect(text).not.toMatch(/from "(?!k6)/);
});

test.each(['run', 'fanot', ''])('"%s" is no scenario, and the error says what there is', async (name) => {
  await expect(bundleScenario(name, outfile())).rejects.toThrow(/^there is no scenario ".*03-fanout/);
});
