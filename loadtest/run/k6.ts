import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

/** k6/websockets came with it. */
const OLDEST = [1, 6] as const;
export const IMAGE = 'grafana/k6:2.2.0';
const INSTALL = 'https://grafana.com/docs/k6/latest/set-up/install-k6/';
const ADVICE = `install k6 (${INSTALL}) and try again`;

const PULL_TIMEOUT_MS = 300_000;

/** Variables that the scripts read; a container gets no others. */
const SCRIPT_ENV = [
  ...[
    'BASE_URL',
    'SOCKET_URLS',
    'REPLICA_URLS',
    'PROFILE',
    'USER_PREFIX',
    'LOAD_PASSWORD',
    'P99_MS',
    'MESSAGE_BYTES',
  ],
  ...[
    'SOCKETS',
    'SENDERS',
    'RATE',
    'USERS',
    'CONNECT_SECONDS',
    'HOLD_SECONDS',
    'ROOMS',
    'ROOMS_PER_CLIENT',
    'CUTS',
  ],
  ...['COMEBACK_SECONDS', 'DRAIN_SECONDS', 'SOCKETS_PER_VU', 'SUMMARY_FILE', 'TIMELINE', 'GOGC'],
  ...['K6_NO_USAGE_REPORT', 'K6_AUTO_EXTENSION_RESOLUTION', 'K6_INSECURE_SKIP_TLS_VERIFY'],
];

export interface K6 {
  /** For instance "k6 v1.8.1" or "grafana/k6:2.2.0 (Docker)". */
  name: string;
  kind: 'path' | 'docker';
  command: string;
  /** Come before k6's own arguments. */
  args: string[];
}

/** There is no k6 to be had here; the message says in one line how to get it. */
export class K6MissingError extends Error {
  override readonly name = 'K6MissingError';
}

interface Places {
  path: string;
  /** Readable inside a container, under the same path. */
  root: string;
  /** Writable there. */
  results: string;
}

/** k6 in PATH, else its image where Docker answers. */
export function findK6({ path, root, results }: Places): K6 {
  const command = k6InPath(path);
  if (command !== undefined) return { ...checked(command), kind: 'path', command, args: [] };
  if (dockerAnswers()) {
    if (!hasImage()) throw new K6MissingError(`k6 is not installed and ${IMAGE} cannot be pulled: ${ADVICE}`);
    return { name: `${IMAGE} (Docker)`, kind: 'docker', command: 'docker', args: dockerRun(root, results) };
  }
  throw new K6MissingError(`k6 is not installed and Docker does not answer: ${ADVICE}`);
}

/** The file that runs when somebody types k6, as an absolute path; undefined when there is none. */
export function k6InPath(path: string): string | undefined {
  return (
    path
      .split(delimiter)
      // An empty entry is the working directory.
      .map((directory) => resolve(directory, 'k6'))
      .find(isExecutable)
  );
}

function checked(command: string): { name: string } {
  const text = spawnSync(command, ['version'], { encoding: 'utf8', timeout: 10_000 }).stdout ?? '';
  const version = /v(\d+)\.(\d+)[\w.-]*/.exec(text);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  if (version && (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))) {
    throw new K6MissingError(
      `${command} is ${version[0]}, and the scenarios need ${OLDEST.join('.')} or newer: ${INSTALL}`,
    );
  }
  return { name: `k6 ${version?.[0] ?? '(unknown version)'}` };
}

/** With the host's network, so that 127.0.0.1 is this machine, and with this user, who owns the results. */
function dockerRun(root: string, results: string): string[] {
  const user = process.getuid ? ['--user', `${process.getuid()}:${process.getgid?.()}`] : [];
  return [
    ...['run', '--rm', '--init', '--network', 'host', ...user],
    ...['--volume', `${root}:${root}:ro`, '--volume', `${results}:${results}`],
    ...SCRIPT_ENV.flatMap((name) => ['--env', name]),
    IMAGE,
  ];
}

function dockerAnswers(): boolean {
  return spawnSync('docker', ['version'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
}

/** Pulls it where it is not here yet, before the people who watch the run see something of it. */
function hasImage(): boolean {
  const options = { stdio: 'ignore', timeout: 10_000 } as const;
  if (spawnSync('docker', ['image', 'inspect', IMAGE], options).status === 0) return true;
  console.log(`pulling ${IMAGE}`);
  return (
    spawnSync('docker', ['pull', '--quiet', IMAGE], { stdio: 'ignore', timeout: PULL_TIMEOUT_MS }).status ===
    0
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
