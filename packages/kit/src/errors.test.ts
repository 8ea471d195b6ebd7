import { ERRORS, type ErrorCode } from '@chat/protocol';
import { describe, expect, it } from 'vitest';
import { AppError, toAppError } from './errors.ts';

describe('AppError', () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])('%s has a message and a status', (code) => {
    const error = new AppError(code);
    expect(error.status).toBe(ERRORS[code].status);
    expect(error.toBody()).toEqual({ code, message: expect.stringMatching(/./) });
  });

  it('tells when to come again', () => {
    const error = new AppError('rate_limited', 'slow down', { retryAfterMs: 1500 });
    expect(error.toBody()).toEqual({ code: 'rate_limited', message: 'slow down', retryAfterMs: 1500 });
  });
});

describe('toAppError', () => {
  const http = (status: number, more: object = {}) =>
    Object.assign(new Error('secret detail'), { status, ...more });

  it('keeps an AppError', () => {
    const error = new AppError('not_found');
    expect(toAppError(error)).toBe(error);
  });

  it.each([new Error('secret detail'), 'secret detail', null, undefined, 42, { status: 500 }, http(418)])(
    'makes anything unknown internal and tells nothing of it: %s',
    (thrown) => {
      const error = toAppError(thrown);
      expect(error).toMatchObject({ code: 'internal', status: 500 });
      expect(error.cause).toBe(thrown);
      expect(JSON.stringify(error.toBody())).not.toContain('secret');
    },
  );

  it.each([
    [http(400), 'bad_request'],
    [http(400, { name: 'SyntaxError' }), 'bad_json'],
    [http(401), 'unauthenticated'],
    [http(403), 'forbidden'],
    [http(404), 'not_found'],
    [http(405), 'method_not_allowed'],
    [http(413, { type: 'entity.too.large' }), 'body_too_large'],
    [http(415), 'unsupported_media_type'],
  ])('knows the errors of Koa: %o', (thrown, code) => {
    expect(toAppError(thrown).code).toBe(code);
  });

  it('makes Redis being away unavailable, to be tried again', () => {
    const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(toAppError(away)).toMatchObject({
      code: 'unavailable',
      status: 503,
      retryAfterMs: 1000,
      cause: away,
    });
  });
});
