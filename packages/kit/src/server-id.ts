import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** A process's name in the cluster, new at each start: the host name and 32 random bits. */
export function createServerId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9.-]/g, '-')
    .slice(0, 64);
  return `${host}-${randomBytes(4).toString('hex')}`;
}
