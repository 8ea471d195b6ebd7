import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import { STATUS_CODES } from 'node:http';
import type { AppError } from '@chat/kit';

/** A status line as uWebSockets.js wants it. */
export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? 'Unknown'}`;
}

type Handler = (response: HttpResponse, request: HttpRequest) => void | Promise<void>;

/** Mounts a handler for GET, and for HEAD, which is answered as GET is, without the body. */
export function mountGet(app: TemplatedApp, path: string, handler: Handler): void {
  app.get(path, handler);
  app.head(path, (response, request) => {
    response.bodiless = true;
    return handler(response, request);
  });
}

/** Ends an answer; after HEAD with the headers alone. */
export function endWith(response: HttpResponse, body: string | Buffer): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  if (response.bodiless) {
    // Not endWithoutBody(length): this uWebSockets.js then takes the request for unanswered, and ends the process.
    response.writeHeader('Content-Length', String(bytes.length)).endWithoutBody();
    return;
  }
  // Not end(), which copies what the client does not take: one that asked for a file again and again, and read nothing,
  // would fill the memory. An answer that is not done ends a connection on which the next request comes.
  const [, done] = response.tryEnd(bytes, bytes.length);
  if (done) return;
  response.onAborted(() => undefined);
  response.onWritable((offset) => response.tryEnd(bytes.subarray(offset), bytes.length)[0]);
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
    .writeHeader('X-Content-Type-Options', 'nosniff');
  endWith(response, JSON.stringify(body));
}
