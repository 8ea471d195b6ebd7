/**
 * Every code that an error frame or an HTTP error body can carry, with its HTTP status and whether the same request
 * may succeed later without being changed.
 */
export const ERRORS = {
  bad_json: { status: 400, retryable: false },
  bad_request: { status: 400, retryable: false },
  unknown_type: { status: 400, retryable: false },
  binary_frame: { status: 400, retryable: false },
  frame_too_large: { status: 413, retryable: false },
  body_too_large: { status: 413, retryable: false },
  message_too_large: { status: 413, retryable: false },
  message_empty: { status: 400, retryable: false },
  invalid_name: { status: 400, retryable: false },
  invalid_password: { status: 400, retryable: false },
  invalid_room: { status: 400, retryable: false },
  invalid_credentials: { status: 401, retryable: false },
  unauthenticated: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  origin_refused: { status: 403, retryable: false },
  room_forbidden: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  room_not_found: { status: 404, retryable: false },
  user_not_found: { status: 404, retryable: false },
  method_not_allowed: { status: 405, retryable: false },
  name_taken: { status: 409, retryable: false },
  unsupported_media_type: { status: 415, retryable: false },
  rate_limited: { status: 429, retryable: true },
  too_many_sockets: { status: 429, retryable: true },
  server_full: { status: 503, retryable: true },
  busy: { status: 503, retryable: true },
  unavailable: { status: 503, retryable: true },
  draining: { status: 503, retryable: true },
  internal: { status: 500, retryable: true },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

export type ErrorCode = keyof typeof ERRORS;

/** The JSON body of every HTTP error. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  /** Milliseconds after which a retry makes sense. */
  retryAfterMs?: number;
}
