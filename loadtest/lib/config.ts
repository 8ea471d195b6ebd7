import { type Load, loadOf, PROFILES, type ProfileName, type ScenarioName } from './profiles.ts';

/** What the environment says; nothing else reads it. `npm run load -- --help` lists the variables. */
export const config = {
  baseUrl: httpUrl('BASE_URL', 'http://127.0.0.1:8080'),
  /** Where sockets connect to, in turn. Empty: the replicas, or the gateway. */
  socketUrls: list('SOCKET_URLS').map((url) => checked('SOCKET_URLS', url, /^wss?:\/\/[^/]/)),
  /** The replicas' own addresses. Empty: /replica/<n> of the gateway. */
  replicaUrls: list('REPLICA_URLS').map((url) => checked('REPLICA_URLS', url, /^https?:\/\/[^/]/)),
  profile: profile(),
  userPrefix: text('USER_PREFIX', 'load'),
  password: text('LOAD_PASSWORD', 'load-password'),
  /** Sockets that one VU of k6 holds. */
  socketsPerVu: number('SOCKETS_PER_VU', 10, 1),
  messageBytes: number('MESSAGE_BYTES', 120, 0),
  /** Seconds that the last messages may take to arrive. */
  drainSeconds: number('DRAIN_SECONDS', 30, 1),
  /** Milliseconds that 99 % of the deliveries must not exceed; 0: any. */
  p99Ms: number('P99_MS', 0, 0),
  /** Where the summary goes as JSON; none without it. */
  summaryFile: text('SUMMARY_FILE', ''),
  /** Prints what each second brought, for the report. */
  timeline: text('TIMELINE', '') === '1',
};

/** The load of a scenario by the profile, with the numbers that the environment gives instead. */
export function readLoad(scenario: ScenarioName): Load {
  const load = loadOf(scenario, config.profile);
  return {
    ...load,
    sockets: number('SOCKETS', load.sockets, 1),
    senders: number('SENDERS', load.senders, 1),
    rate: number('RATE', load.rate, 0),
    users: number('USERS', load.users, 1),
    connectSeconds: number('CONNECT_SECONDS', load.connectSeconds, 0),
    holdSeconds: number('HOLD_SECONDS', load.holdSeconds, 1),
    rooms: number('ROOMS', load.rooms, 1),
    roomsPerClient: number('ROOMS_PER_CLIENT', load.roomsPerClient, 1),
    cuts: number('CUTS', load.cuts, 0),
    comebackSeconds: number('COMEBACK_SECONDS', load.comebackSeconds, 0),
  };
}

function text(name: string, fallback: string): string {
  return __ENV[name] || fallback;
}

function number(name: string, fallback: number, min: number): number {
  const given = __ENV[name];
  if (!given) return fallback;
  const value = Number(given);
  if (!Number.isFinite(value) || value < min)
    throw new Error(`${name}: expected a number from ${min}, got "${given}"`);
  return value;
}

function list(name: string): string[] {
  return text(name, '')
    .split(',')
    .map((item) => item.trim().replace(/\/+$/, ''))
    .filter((item) => item !== '');
}

function checked(name: string, value: string, pattern: RegExp): string {
  if (!pattern.test(value)) throw new Error(`${name}: ${value} is no address of that kind`);
  return value;
}

function httpUrl(name: string, fallback: string): string {
  return checked(name, text(name, fallback).replace(/\/+$/, ''), /^https?:\/\/[^/]/);
}

function profile(): ProfileName {
  const name = text('PROFILE', 'smoke');
  const known = PROFILES.find((each) => each === name);
  if (!known) throw new Error(`PROFILE: there is no profile "${name}": ${PROFILES.join(', ')}`);
  return known;
}
