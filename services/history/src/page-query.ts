import { AppError } from '@chat/kit';
import { LIMITS } from '@chat/protocol';

/** Which part of a room's history a request asks for. */
export type PageQuery =
  | { range: 'newest'; offset: number; size: number }
  | { range: 'before' | 'after'; date: number; size: number };

const DEFAULT_SIZE = 50;
const WHOLE = /^\d{1,9}$/;
/** Seconds; the digits before the point hold milliseconds and microseconds of a foreign server too. */
const DATE = /^\d{1,16}(?:\.\d{1,17})?$/;

/**
 * Reads ?offset&size, ?before&size or ?after&size.
 *
 * @throws AppError bad_request: a value that is none, more than one, or two ways to page at once.
 */
export function readPageQuery(query: URLSearchParams): PageQuery {
  const size = sizeOf(one(query, 'size'));
  const [before, after, offset] = [one(query, 'before'), one(query, 'after'), one(query, 'offset')];
  if ([before, after, offset].filter((value) => value !== undefined).length > 1) {
    throw new AppError('bad_request', 'give one of offset, before and after');
  }
  if (before !== undefined) return { range: 'before', date: dateOf('before', before), size };
  if (after !== undefined) return { range: 'after', date: dateOf('after', after), size };
  return { range: 'newest', offset: offset === undefined ? 0 : whole('offset', offset), size };
}

function one(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw new AppError('bad_request', `${name}: expected one value`);
  return values[0];
}

function sizeOf(value: string | undefined): number {
  if (value === undefined) return DEFAULT_SIZE;
  const size = whole('size', value);
  if (size < 1 || size > LIMITS.pageSize) {
    throw new AppError('bad_request', `size: expected 1 to ${LIMITS.pageSize}`);
  }
  return size;
}

function whole(name: string, value: string): number {
  if (!WHOLE.test(value)) {
    throw new AppError('bad_request', `${name}: expected a whole number, at most 9 digits`);
  }
  return Number(value);
}

function dateOf(name: string, value: string): number {
  if (!DATE.test(value)) {
    throw new AppError('bad_request', `${name}: expected a date in seconds, like 1615480369.123456`);
  }
  return Number(value);
}
