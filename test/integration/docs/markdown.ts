import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A file of the repository, by its path from the root. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const LEFT_OUT = /^(?:node_modules|dist|dist\..*|\..*|results|artifacts)$/;

/** The paths of all documents of the repository, from its root. */
export function documents(directory = ROOT): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (LEFT_OUT.test(entry.name)) return [];
    if (entry.isDirectory()) return documents(path);
    return entry.name.endsWith('.md') ? [relative(ROOT, path)] : [];
  });
}

/** The part of a document below a heading, up to the next heading of the same or a higher level. */
export function section(text: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const lines = text.split('\n');
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`there is no "${heading}"`);
  const length = lines
    .slice(start + 1)
    .findIndex((line) => (/^(#+) /.exec(line)?.[1]?.length ?? Infinity) <= level);
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join('\n');
}

/** The rows of all tables of a text, as trimmed cells; headings and rules are left out. */
export function tableRows(text: string): string[][] {
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  const isRule = (line: string | undefined) =>
    line !== undefined && /^[|\s:-]+$/.test(line) && line.includes('--');
  return rows.filter((line, index) => !isRule(line) && !isRule(rows[index + 1])).map(cells);
}

function cells(row: string): string[] {
  return row
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** What stands between backticks. */
export function codes(text: string): string[] {
  return Array.from(text.matchAll(/`([^`\n]+)`/g), ([, code]) => code!);
}

/** The targets of links and pictures inside the repository: the path from its root, and the heading's anchor. */
export function links(document: string): { path: string; anchor: string | undefined }[] {
  const text = readText(document).replace(/^```[\s\S]*?^```/gm, '');
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)|src(?:set)?="([^"]+)"/g), ([, a, b]) => a ?? b!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path, anchor] = target.split('#');
      return { path: path === '' ? document : join(dirname(document), path!), anchor };
    });
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchors(text: string): string[] {
  const headings = text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm);
  return Array.from(headings, ([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}
