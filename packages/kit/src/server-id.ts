import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/**
 * The id of a process in the cluster: a name and 32 random bits. It is new at each start whatever the name, as the others
 * could not tell a process that came back from the one that died, whose users they have to take off the list.
 */
export function createServerId(name: string = hostname()): string {
  const readable = name.replaceAll(/[^\w.:-]/g, '-').slice(0, 64);
  return `${readable}-${randomBytes(4).toString('hex')}`;
}
