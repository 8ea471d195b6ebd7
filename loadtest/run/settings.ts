import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What the runner itself reads from the environment; the rest goes to k6 as it is. */
export interface Settings {
  env: NodeJS.ProcessEnv;
  baseUrl: string | undefined;
  /** The profile where the command line names none. */
  profile: string | undefined;
  /** The caller says where sockets go. */
  socketsGiven: boolean;
  metricsUrls: string[];
  /** Where a local cluster keeps cluster.json. */
  dataDir: string;
  /** Absolute: a container is given it as it is. */
  resultsDir: string;
}

export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return {
    env,
    baseUrl: env.BASE_URL?.replace(/\/+$/, '') || undefined,
    profile: env.PROFILE || undefined,
    socketsGiven: Boolean(env.SOCKET_URLS || env.REPLICA_URLS),
    metricsUrls: (env.METRICS_URLS ?? '')
      .split(',')
      .map((url) =>
        url
          .trim()
          .replace(/\/+$/, '')
          .replace(/\/metrics$/, ''),
      )
      .filter((url) => url !== ''),
    dataDir: env.DATA_DIR || `${ROOT}.data`,
    resultsDir: resolve(env.RESULTS_DIR || `${ROOT}loadtest/results`),
  };
}
