import { LIMITS } from '@chat/protocol';
import { bodyParser } from '@koa/bodyparser';
import type { z } from 'zod';
import { AppError } from '../errors.ts';
import type { AppContext, AppMiddleware } from './state.ts';

const parse = bodyParser({
  enableTypes: ['json'],
  // Any JSON value: what is not an object is told so by readInput.
  jsonStrict: false,
  jsonLimit: LIMITS.bodyBytes,
});

/** Reads a JSON body of at most LIMITS.bodyBytes into ctx.request.body; refuses bodies of any other type. */
export const jsonBody: AppMiddleware = (ctx, next) => {
  if (!hasBody(ctx)) {
    ctx.request.body = {};
    return next();
  }
  if (!isPlainJson(ctx)) throw new AppError('unsupported_media_type');
  return parse(ctx as never, next);
};

/**
 * Checks a body or a query against its schema.
 *
 * @throws AppError bad_request that names the first field that is wrong.
 */
export function readInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.length === 0 ? 'body' : issue.path.join('.');
  throw new AppError('bad_request', `${field}: ${issue.message}`);
}

function hasBody(ctx: AppContext): boolean {
  // What comes with them means nothing, and Node skips it.
  if (ctx.method === 'GET' || ctx.method === 'HEAD') return false;
  const { 'content-length': length, 'transfer-encoding': encoding } = ctx.req.headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

function isPlainJson(ctx: AppContext): boolean {
  const encoding = ctx.get('Content-Encoding').toLowerCase();
  if (encoding !== '' && encoding !== 'identity') return false;
  const charset = ctx.request.charset.toLowerCase();
  if (charset !== '' && charset !== 'utf-8' && charset !== 'utf8') return false;
  return ctx.is('application/json') !== false;
}
