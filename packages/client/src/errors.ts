import type { ErrorCode } from '@chat/protocol';

/**
 * Beside the server's codes: `closed` (close() was called), `timeout` (no answer in time), `network` (no connection, or
 * it broke), `no_websocket` (this platform has none and none was passed), `bad_option` (an option cannot be used).
 */
export type ChatErrorCode = ErrorCode | 'closed' | 'timeout' | 'network' | 'no_websocket' | 'bad_option';

interface Details {
  /** The HTTP status, for an error of {@link ChatApi}. */
  status?: number | undefined;
  /** Milliseconds after which a retry makes sense. */
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** Every error that the client throws, rejects with or emits. */
export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly code: ChatErrorCode;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ChatErrorCode, message: string, { status, retryAfterMs, cause }: Details = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}
