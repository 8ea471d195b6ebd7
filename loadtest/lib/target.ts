import { noAnswer, request, stop } from './api.ts';
import { config } from './config.ts';
import { FrameSocket } from './frame-socket.ts';

const MOST_REPLICAS = 64;
/** Sockets that are opened at once to see who answers; a balancer spreads them. */
const PROBES = 16;
/** Times that they may bring somebody who was not seen before. */
const MOST_ROUNDS = 8;

/** Ends the run with one line when the cluster is not there or not well. */
export function checkTarget(): void {
  const answer = request('GET', '/randomname');
  if (answer.status === 0) stop(noAnswer(answer));
  if (answer.status !== 200) {
    stop(`${config.baseUrl} is no chat cluster, or not ready: GET /randomname answered ${answer.status}`);
  }
  if (fieldOf(answer.body, 'name') === undefined)
    stop(`${config.baseUrl} is no chat cluster: GET /randomname brought no name`);
}

export interface Sockets {
  /** Where they connect to, in turn. */
  urls: string[];
  /** The serverIds of the replicas before the run. */
  serverIds: string[];
}

/** What is given, else each replica by the gateway, else the gateway. */
export async function findSockets(token: string): Promise<Sockets> {
  const { socketUrls, replicaUrls, baseUrl } = config;
  const pinnedIds = pinnedReplicas();
  const pinned = pinnedIds.map((_, index) => `${baseUrl}/replica/${index + 1}`);
  const bases = [socketUrls, replicaUrls, pinned, [baseUrl]].find((list) => list.length > 0)!;
  const urls = bases.map((base) => `${base.replace(/^http/, 'ws').replace(/\/ws$/, '')}/ws?resume=1`);
  return { urls, serverIds: pinnedIds.length > 0 ? pinnedIds : await greeters(urls, token) };
}

/** Those behind /replica/1, /replica/2 …, as many as the gateway knows. */
function pinnedReplicas(): string[] {
  const serverIds: string[] = [];
  for (let n = 1; n <= MOST_REPLICAS; n++) {
    const answer = request('GET', `/replica/${n}/healthz`, { name: '/replica/{n}/healthz' });
    const serverId = answer.status === 200 ? fieldOf(answer.body, 'serverId') : undefined;
    if (serverId === undefined) break;
    serverIds.push(serverId);
  }
  return serverIds;
}

/** Those who say hello, asked until nobody new does: where the gateway pins nobody, it does not tell who there is. */
async function greeters(urls: readonly string[], token: string): Promise<string[]> {
  const known = new Set<string>();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const before = known.size;
    const count = Math.max(PROBES, urls.length);
    const sockets = Array.from({ length: count }, (_, n) => new FrameSocket(urls[n % urls.length]!, token));
    for (const hello of await Promise.all(sockets.map((socket) => socket.next('hello'))))
      if (hello) known.add(hello.data.serverId);
    for (const socket of sockets) socket.close();
    if (known.size === before) break;
  }
  if (known.size === 0) stop(`no socket is greeted at ${urls.join(', ')}`);
  return [...known];
}

/** A text in a body that should be a JSON object; undefined when it is not there. */
function fieldOf(body: string | null, name: string): string | undefined {
  try {
    const value = (JSON.parse(body ?? '') as Record<string, unknown>)[name];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
