import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Fails when axe finds anything in the page, in either colour scheme. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await violations(page), `${colorScheme}: ${page.url()}`).toEqual([]);
  }
}

/** Violations of axe's rules, each with the elements that it is about. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  // A transition half-way has colours of its own.
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<Results> } };
    interface Results {
      violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
    }
    const { violations } = await axe.run({ iframes: false });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
    );
  });
}
