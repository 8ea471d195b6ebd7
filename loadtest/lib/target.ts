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

/** Where sockets connect to, in turn: what is given, else each replica by the gateway, else the gateway. */
export function socketUrls(): string[] {
  const { socketUrls: given, replicaUrls, baseUrl } = config;
  const bases = given.length > 0 ? given : replicaUrls.length > 0 ? replicaUrls : pinned(baseUrl);
  return bases.map((base) => `${base.replace(/^http/, 'ws').replace(/\/ws$/, '')}/ws?resume=1`);
}

/** /replica/1, /replica/2 …, as many as the gateway knows. */
function pinned(baseUrl: string): string[] {
  const urls: string[] = [];
  for (let n = 1; n <= MOST_REPLICAS; n++) {
    const answer = request('GET', `/replica/${n}/healthz`, { name: '/replica/{n}/healthz' });
    if (answer?.status !== 200) break;
    urls.push(`${baseUrl}/replica/${n}`);
  }
  return urls.length > 0 ? urls : [baseUrl];
}
