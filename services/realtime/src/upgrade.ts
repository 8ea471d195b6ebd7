import type { HttpRequest, HttpResponse, us_socket_context_t } from 'uWebSockets.js';
import type { AppError } from '@chat/kit';
import { CLOSE, type ErrorCode } from '@chat/protocol';
import type { Admission } from './admission.ts';
import { sendError } from './http-response.ts';
import type { RealtimeMetrics } from './metrics.ts';
import type { Close } from './peer.ts';
import { Newcomer, Refused } from './ws-peer.ts';

interface UpgradeParts {
  admission: Admission;
  metrics: RealtimeMetrics;
  /** Believe X-Forwarded-For. */
  trustProxy: boolean;
}

/** Refused by a status whoever asks: a browser tries again after either, and a status costs least. */
const COMES_BACK = new Set<ErrorCode>(['draining', 'rate_limited', 'server_full']);

/**
 * Upgrades a request to a WebSocket in the same turn; who it is from is looked up afterwards, and told by a close code
 * when it is nobody. Not before: an upgrade after an await must be corked, and then uWebSockets.js now and then takes
 * the new socket for the request that it was (when realloc leaves it in its place) and closes it. What needs no
 * look-up is refused by a status, unless a browser asks: that cannot read the status of a refused upgrade.
 */
export function upgrade(
  { admission, metrics, trustProxy }: UpgradeParts,
  response: HttpResponse,
  request: HttpRequest,
  context: us_socket_context_t,
): void {
  const credentials = admission.credentials(response, request, trustProxy);
  const objection = admission.refusal(credentials);
  if (objection) metrics.upgrade(objection.code);
  if (objection && (credentials.origin === undefined || COMES_BACK.has(objection.code))) {
    sendError(response, objection);
    return;
  }
  const wishes = {
    resumes: request.getQuery('resume') !== undefined,
    // Whoever claims it falsely gains nothing but to stay.
    pinned: request.getHeader('x-chat-pinned') !== '',
  };
  const client = objection ? new Refused(closeFor(objection)) : new Newcomer(credentials, wishes);
  response.upgrade(
    { client },
    request.getHeader('sec-websocket-key'),
    request.getHeader('sec-websocket-protocol'),
    request.getHeader('sec-websocket-extensions'),
    context,
  );
}

/** The close code that says the same as an error. */
export function closeFor(error: AppError): Close {
  switch (error.code) {
    case 'unauthenticated':
      return CLOSE.sessionEnded;
    case 'origin_refused':
      return CLOSE.refused;
    case 'too_many_sockets':
    case 'rate_limited':
      return CLOSE.tooFast;
    case 'draining':
      return CLOSE.restart;
    default:
      return CLOSE.tryAgain;
  }
}
