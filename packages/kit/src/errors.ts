import { ERRORS, type ErrorBody, type ErrorCode } from '@chat/protocol';
import { isRedisAway } from './redis-errors.ts';

const MESSAGES: Record<ErrorCode, string> = {
  bad_json: 'the body is not JSON',
  bad_request: 'the request is not understood',
  unknown_type: 'the type is not known',
  binary_frame: 'frames must be text',
  frame_too_large: 'the frame is too large',
  body_too_large: 'the body is too large',
  message_too_large: 'the message is too long',
  message_empty: 'the message is empty',
  invalid_name: 'a name has 1 to 32 characters, none of them a control character',
  invalid_password: 'a password has 8 to 72 bytes',
  invalid_room: 'this is no room id',
  invalid_credentials: 'name or password are wrong',
  unauthenticated: 'there is no valid session: log in',
  forbidden: 'this is not allowed',
  origin_refused: 'requests from this origin are refused',
  room_forbidden: 'this room is not yours',
  not_found: 'there is nothing here',
  room_not_found: 'there is no such room',
  user_not_found: 'there is no such user',
  method_not_allowed: 'this method is not allowed here',
  name_taken: 'the name is taken',
  unsupported_media_type: 'the body must be application/json in UTF-8, not compressed',
  rate_limited: 'too many requests, try again later',
  too_many_sockets: 'too many connections of this user',
  server_full: 'this server has as many connections as it takes: try again, another one may answer',
  busy: 'too much work at the moment, try again',
  unavailable: 'the service is unavailable at the moment, try again',
  draining: 'the server is restarting, try again',
  internal: 'something went wrong on the server',
};

interface AppErrorOptions {
  retryAfterMs?: number;
  cause?: unknown;
}

/** An error that a client is told: its code decides the HTTP status. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string = MESSAGES[code],
    { retryAfterMs, cause }: AppErrorOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** The HTTP status of the code. */
  get status(): number {
    return ERRORS[this.code].status;
  }

  toBody(): ErrorBody {
    const body: ErrorBody = { code: this.code, message: this.message };
    if (this.retryAfterMs !== undefined) body.retryAfterMs = this.retryAfterMs;
    return body;
  }
}

/** How long a client shall wait when Redis is away. */
const AWAY_RETRY_MS = 1000;

/**
 * What a client is told about anything that was thrown. What is not meant for clients becomes `internal` with a
 * neutral message; Redis being away or silent becomes `unavailable`.
 */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (isRedisAway(thrown)) {
    return new AppError('unavailable', undefined, { retryAfterMs: AWAY_RETRY_MS, cause: thrown });
  }
  const code = codeOfHttpError(thrown);
  return new AppError(code, undefined, { cause: thrown });
}

/** Errors of Koa, its router and its body parser carry a status and a type. */
function codeOfHttpError(thrown: unknown): ErrorCode {
  const { status, type, name } = (thrown ?? {}) as { status?: unknown; type?: unknown; name?: unknown };
  if (type === 'entity.too.large') return 'body_too_large';
  if (status === 400) return name === 'SyntaxError' ? 'bad_json' : 'bad_request';
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 405) return 'method_not_allowed';
  if (status === 413) return 'body_too_large';
  if (status === 415) return 'unsupported_media_type';
  return 'internal';
}
