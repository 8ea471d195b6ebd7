import type { HttpResponse } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { AppError } from '@chat/kit';

/** A status line as uWebSockets.js wants it. */
export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? 'Unknown'}`;
}

/** Sends JSON; call it corked when an await came before. */
export function sendJson(response: HttpResponse, status: number, body: unknown): void {
  response.writeStatus(statusLine(status));
  sendBody(response, body);
}

/** Sends an error's body; call it corked when an await came before. */
export function sendError(response: HttpResponse, error: AppError): void {
  response.writeStatus(statusLine(error.status));
  if (error.retryAfterMs !== undefined) {
    response.writeHeader('Retry-After', String(Math.ceil(error.retryAfterMs / 1000)));
  }
  sendBody(response, error.toBody());
}

function sendBody(response: HttpResponse, body: unknown): void {
  response
    .writeHeader('Content-Type', 'application/json; charset=utf-8')
    .writeHeader('Cache-Control', 'no-store')
    .writeHeader('X-Content-Type-Options', 'nosniff')
    .end(JSON.stringify(body));
}
