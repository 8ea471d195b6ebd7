import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterFile } from '../../test/harness/data-dir.ts';
import { type Plane, UsageError } from './args.ts';
import type { Settings } from './settings.ts';

/** The kind of way that sockets go: `given` by SOCKET_URLS or REPLICA_URLS. */
export type Way = Plane | 'given';

/** What a run is aimed at. */
export interface Target {
  baseUrl: string;
  /** The local cluster, when it is the target. */
  local: boolean;
  way: Way;
  /** Environment that tells the scripts where sockets go. */
  env: NodeJS.ProcessEnv;
}

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** cluster.json of a running local cluster. */
export function readCluster(dataDir: string): ClusterFile | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'cluster.json'), 'utf8')) as ClusterFile;
  } catch {
    return undefined;
  }
}

/**
 * The given address, else the local cluster's, else the usual one.
 *
 * @param via undefined where the command line does not say
 * @throws UsageError for a way that there is not
 */
export function findTarget(settings: Settings, via: Plane | undefined): Target {
  const cluster = readCluster(settings.dataDir);
  const baseUrl = settings.baseUrl ?? cluster?.gateway?.url ?? DEFAULT_URL;
  const local = cluster?.gateway !== undefined && sameAddress(cluster.gateway.url, baseUrl);
  const target = { baseUrl, local };
  if (settings.socketsGiven) {
    if (via !== undefined)
      throw new UsageError(`--via ${via} and SOCKET_URLS or REPLICA_URLS both say where sockets go`);
    return { ...target, way: 'given', env: { BASE_URL: baseUrl } };
  }
  const way = via ?? (local && cluster.sockets ? 'sockets' : 'gateway');
  return { ...target, way, env: { BASE_URL: baseUrl, ...wayEnv(target, cluster, way, via) } };
}

function wayEnv(
  { baseUrl, local }: Pick<Target, 'baseUrl' | 'local'>,
  cluster: ClusterFile | undefined,
  way: Plane,
  via: Plane | undefined,
): NodeJS.ProcessEnv {
  if (way === 'gateway') {
    // Where nobody asked for it, clients are spread evenly over the replicas that it pins, if it pins any.
    return via === undefined ? {} : { SOCKET_URLS: baseUrl.replace(/^http/, 'ws') };
  }
  if (!local || !cluster) {
    throw new UsageError(
      `--via ${way} needs the addresses of a local cluster, and ${baseUrl} is none: say them by SOCKET_URLS or REPLICA_URLS`,
    );
  }
  if (way === 'replicas') return { REPLICA_URLS: cluster.realtime.map(({ url }) => url).join(',') };
  if (!cluster.sockets)
    throw new UsageError('--via sockets: this cluster has no port that its replicas share');
  return { SOCKET_URLS: cluster.sockets.url };
}

function sameAddress(one: string, other: string): boolean {
  if (!URL.canParse(one) || !URL.canParse(other)) return false;
  const [a, b] = [new URL(one), new URL(other)];
  const host = (url: URL) => url.hostname.replace(/^(localhost|\[::1\])$/, '127.0.0.1');
  return a.protocol === b.protocol && a.port === b.port && host(a) === host(b);
}
