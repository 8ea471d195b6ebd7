import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchors, documents, links, ROOT, readText } from './markdown.ts';

describe('links between documents', () => {
  it.each(documents())('of %s lead somewhere', (document) => {
    const broken = links(document).filter(({ path, anchor }) => {
      if (!existsSync(join(ROOT, path))) return true;
      return anchor !== undefined && path.endsWith('.md') && !anchors(readText(path)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('commands in documents', () => {
  it('are scripts that there are', () => {
    const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> };
    for (const document of documents()) {
      for (const [, name] of readText(document).matchAll(/\bnpm run ([a-z][\w-]*(?::\w+)*)(?![^\n]* -w )/g)) {
        expect({ document, name, there: name! in scripts }).toMatchObject({ there: true });
      }
    }
  });
});

describe('the list of decisions', () => {
  it('has each of them', () => {
    const listed = links('docs/decisions/README.md').map(({ path }) => path);
    const decisions = documents().filter((path) => /^docs\/decisions\/\d{4}-/.test(path));
    expect(decisions.length).toBeGreaterThan(0);
    expect(new Set(listed)).toEqual(new Set(decisions));
  });
});
