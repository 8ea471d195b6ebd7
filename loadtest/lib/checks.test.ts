import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const checks = readFileSync(new URL('checks.ts', import.meta.url), 'utf8');

/** What operators and machines ask for, and no client. */
const NOT_FOR_CLIENTS = ['/healthz', '/readyz', '/metrics', '/admin/revoke'];

function endpoints(service: string): string[] {
  const file = new URL(`../../services/${service}/openapi.yaml`, import.meta.url);
  const { paths } = parse(readFileSync(file, 'utf8')) as { paths: Record<string, object> };
  return Object.entries(paths)
    .filter(([path]) => !NOT_FOR_CLIENTS.includes(path))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
}

test.each([...endpoints('auth'), ...endpoints('history')])('smoke looks at %s', (endpoint) => {
  const pattern = endpoint.replace(/\{\w+\}/g, '\\{\\w+\\}');
  expect(checks).toMatch(new RegExp(`'${pattern}[' ,]`));
});
