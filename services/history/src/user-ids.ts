import type { ParsedUrlQuery } from 'node:querystring';
import { AppError } from '@chat/kit';
import { parseUserId, type UserId } from '@chat/protocol';
import { z } from 'zod';

/** Users that one request may ask for. */
export const MAX_USER_IDS = 200;

/** A user's id in a JSON body: a number or its decimal string, as the tutorial's clients send it. */
export const userId = z.union([z.number(), z.string()]).transform((value, context) => {
  const id = parseUserId(value);
  if (id !== undefined) return id;
  context.addIssue({ code: 'custom', message: 'expected a user id' });
  return z.NEVER;
});

/**
 * Reads a user id of a path.
 *
 * @throws AppError bad_request
 */
export function readUserId(text: string | undefined): UserId {
  const id = parseUserId(text);
  if (id === undefined) throw new AppError('bad_request', 'this is no user id');
  return id;
}

/**
 * Reads ids[]=1&ids[]=2, ids=1&ids=2 and lists with commas, each id once.
 *
 * @throws AppError bad_request for what is no id, and for more than MAX_USER_IDS of them.
 */
export function readUserIds(query: ParsedUrlQuery): UserId[] {
  const texts = [query['ids[]'] ?? [], query.ids ?? []].flat().flatMap((value) => value.split(','));
  const ids = new Set(texts.filter((text) => text !== '').map(readUserId));
  if (ids.size > MAX_USER_IDS) {
    throw new AppError('bad_request', `ids: expected at most ${MAX_USER_IDS}`);
  }
  return [...ids];
}
