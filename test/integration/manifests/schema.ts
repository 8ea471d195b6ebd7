import type { Manifest } from './rendered.ts';

type Validate = (this: unknown) => void;

const PACKAGES: Record<string, string> = {
  'monitoring.coreos.com/v1': '@kubernetes-models/prometheus-operator',
};

/**
 * Everything that the schema of its kind has against an object: wrong types, missing fields, and fields that the
 * schema does not know, which an API server drops or refuses.
 *
 * The schemas are those of Kubernetes 1.33 (kubernetes-models), as compiled validators that say nothing of unknown
 * fields. A validator reads every field that it knows, so a field that was never read is unknown.
 */
export async function violations(object: Manifest): Promise<string[]> {
  const found: string[] = [];
  const read = new Set<string>();
  const validate = await validatorOf(object);
  try {
    validate.call(watched(object, '', read));
  } catch (error) {
    found.push((error as Error).message);
  }
  return [...found, ...unread(object, '', read).map((path) => `${path} is not in the schema`)];
}

async function validatorOf({ apiVersion, kind }: Manifest): Promise<Validate> {
  const path = `${PACKAGES[apiVersion] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;
  const module = (await import(path)) as Record<string, { prototype: { validate: Validate } }>;
  return module[kind]!.prototype.validate;
}

function watched(value: unknown, path: string, read: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      const inner: unknown = Reflect.get(target, key);
      if (typeof key !== 'string' || !Object.hasOwn(target, key)) return inner;
      read.add(`${path}/${key}`);
      return watched(inner, `${path}/${key}`, read);
    },
  });
}

function unread(value: unknown, path: string, read: ReadonlySet<string>): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = `${path}/${key}`;
    return read.has(here) ? unread(inner, here, read) : [here];
  });
}
