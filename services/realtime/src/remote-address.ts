import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { isIP } from 'node:net';
import { clientAddress } from '@chat/kit';

/**
 * What counts as the address of a client.
 *
 * @param trustProxy believe X-Forwarded-For: only where nothing but the gateway, which sets it, can connect
 */
export function remoteAddress(response: HttpResponse, request: HttpRequest, trustProxy: boolean): string {
  // The last one is the one that our gateway saw.
  const forwarded = trustProxy ? (request.getHeader('x-forwarded-for').split(',').at(-1)?.trim() ?? '') : '';
  if (isIP(forwarded) !== 0) return clientAddress(forwarded);
  return clientAddress(Buffer.from(response.getRemoteAddressAsText()).toString());
}
