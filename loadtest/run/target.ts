import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterFile } from '../../test/harness/data-dir.ts';
import type { Plane } from './args.ts';
import type { Settings } from './settings.ts';

/** What a run is aimed at. */
export interface Target {
  baseUrl: string;
  /** The local cluster, when it is the target. */
  local: boolean;
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

/** The given address, else the local cluster's, else the usual one. */
export function findTarget(settings: Settings, via: Plane): Target {
  const cluster = readCluster(settings.dataDir);
  const baseUrl = settings.baseUrl ?? cluster?.gateway?.url ?? DEFAULT_URL;
  const local = cluster?.gateway !== undefined && sameAddress(cluster.gateway.url, baseUrl);
  if (!local || settings.socketsGiven) return { baseUrl, local, env: { BASE_URL: baseUrl } };
  return { baseUrl, local, env: { BASE_URL: baseUrl, ...planeEnv(cluster, via) } };
}

function planeEnv(cluster: ClusterFile, via: Plane): NodeJS.ProcessEnv {
  switch (via) {
    case 'sockets':
      return cluster.sockets ? { SOCKET_URLS: cluster.sockets.url } : {};
    case 'replicas':
      return { REPLICA_URLS: cluster.realtime.map(({ url }) => url).join(',') };
    case 'gateway':
      return { SOCKET_URLS: cluster.gateway!.url.replace(/^http/, 'ws') };
  }
}

function sameAddress(one: string, other: string): boolean {
  if (!URL.canParse(one) || !URL.canParse(other)) return false;
  const [a, b] = [new URL(one), new URL(other)];
  const host = (url: URL) => url.hostname.replace(/^(localhost|\[::1\])$/, '127.0.0.1');
  return a.port === b.port && host(a) === host(b);
}
