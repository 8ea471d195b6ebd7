import { AppError, toAppError } from '../errors.ts';
import type { AppContext, AppMiddleware } from './state.ts';

/** Answers every failure with {code, message}: what is thrown, no route, no method. */
export const errorResponse: AppMiddleware = async (ctx, next) => {
  try {
    await next();
    if (ctx.body == null) refuseUnmatched(ctx);
  } catch (thrown) {
    const error = toAppError(thrown);
    logFailure(ctx, error);
    ctx.status = error.status;
    ctx.body = error.toBody();
    if (error.retryAfterMs !== undefined)
      ctx.set('Retry-After', String(Math.ceil(error.retryAfterMs / 1000)));
    // The rest of a body that is too large is not read.
    if (error.code === 'body_too_large') ctx.set('Connection', 'close');
  }
};

function refuseUnmatched(ctx: AppContext): void {
  if (ctx.status === 404) throw new AppError('not_found');
  // 501 is what the router answers to methods that no route has.
  if (ctx.status === 405 || ctx.status === 501) throw new AppError('method_not_allowed');
}

function logFailure(ctx: AppContext, error: AppError): void {
  if (error.code === 'internal') ctx.state.log.error({ err: error.cause ?? error }, 'request failed');
  else if (error.status >= 500) {
    const cause = error.cause instanceof Error ? error.cause.message : undefined;
    ctx.state.log.warn({ code: error.code, cause }, 'request refused');
  }
}
