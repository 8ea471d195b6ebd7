import { stdSerializers } from 'pino';

/** Fields that are never told, in any object of a log line. */
export const SECRET_FIELDS: ReadonlySet<string> = new Set(
  ['password', 'token', 'secret', 'cookie', 'set-cookie', 'authorization', 'sid'].flatMap((name) => [
    name,
    // As headers may be spelled.
    name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()),
  ]),
);

export const CENSOR = '***';

/** How far down a line is looked at: its fields, and three levels of objects and lists in it. */
const DEPTH = 4;

type Fields = Record<string, unknown>;

/**
 * The same object when it holds neither secrets nor errors; else a copy in which secrets are blacked out and errors
 * are objects with type, message and stack.
 */
export function withoutSecrets(object: Fields): Fields {
  return censored(object, DEPTH);
}

function censored(object: Fields, depth: number): Fields {
  let copy: Fields | undefined;
  for (const key in object) {
    const value = object[key];
    const told = SECRET_FIELDS.has(key) ? CENSOR : tell(value, depth - 1);
    if (told === value) continue;
    copy ??= { ...object };
    copy[key] = told;
  }
  return copy ?? object;
}

function tell(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth === 0) return value;
  if (value instanceof Error) return tellError(value, depth);
  if (Array.isArray(value)) return tellList(value, depth);
  const prototype = Object.getPrototypeOf(value);
  // What has a class of its own, as a Buffer, is told as its toJSON says.
  return prototype === Object.prototype || prototype === null ? censored(value as Fields, depth) : value;
}

function tellList(list: readonly unknown[], depth: number): readonly unknown[] {
  const told = list.map((value) => tell(value, depth - 1));
  return told.some((value, index) => value !== list[index]) ? told : list;
}

/** ioredis puts the command into its errors, and with it passwords and tokens: its name must do. */
function tellError(error: Error, depth: number): Fields {
  const { type, message, stack } = stdSerializers.err(error);
  // The causes stand in message and stack.
  const { command, cause: _, ...own } = { ...error } as Fields;
  const fields: Fields = { ...own, type, message, stack };
  const name = (command as { name?: unknown } | undefined)?.name;
  if (name !== undefined) fields.command = name;
  if (error instanceof AggregateError) fields.errors = error.errors;
  return censored(fields, depth);
}
