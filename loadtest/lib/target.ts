import { request, stop } from './api.ts';
import { config } from './config.ts';

const MOST_REPLICAS = 64;

/** Ends the run with one line when the cluster is not there or not well. */
export function checkTarget(): void {
  const answer = request('GET', '/randomname');
  if (!answer) {
    stop(
      `nothing answers at ${config.baseUrl}: start the cluster (npm start), or set BASE_URL to where it is`,
    );
  }
  if (answer.status !== 200) {
    stop(`${config.baseUrl} is no chat cluster, or not ready: GET /randomname answered ${answer.status}`);
  }
}

export interface Sockets {
  /** Where they connect to, in turn. */
  urls: string[];
  /** The serverIds of the replicas that the gateway knows; none when it pins nobody to a replica. */
  serverIds: string[];
}

/** What is given, else each replica by the gateway, else the gateway. */
export function findSockets(): Sockets {
  const { socketUrls, replicaUrls, baseUrl } = config;
  const serverIds = pinnedReplicas();
  const pinned = serverIds.map((_, index) => `${baseUrl}/replica/${index + 1}`);
  const bases = [socketUrls, replicaUrls, pinned, [baseUrl]].find((list) => list.length > 0)!;
  const urls = bases.map((base) => `${base.replace(/^http/, 'ws').replace(/\/ws$/, '')}/ws?resume=1`);
  return { urls, serverIds };
}

/** Those behind /replica/1, /replica/2 …, as many as the gateway knows. */
function pinnedReplicas(): string[] {
  const serverIds: string[] = [];
  for (let n = 1; n <= MOST_REPLICAS; n++) {
    const answer = request('GET', `/replica/${n}/healthz`, { name: '/replica/{n}/healthz' });
    if (answer?.status !== 200) break;
    serverIds.push((answer.json() as { serverId: string }).serverId);
  }
  return serverIds;
}
