import { LIMITS } from '../../packages/protocol/src/limits.ts';
import { type Load, loadOf, PROFILES, type ProfileName, type ScenarioName } from './profiles.ts';

/** Variables by name; an empty one counts as unset. */
export type Environment = Record<string, string | undefined>;

/** A variable has a value that it cannot have; the message names it. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/**
 * What the scripts are told beside their load. `npm run load -- --help` lists the variables.
 *
 * @throws EnvironmentError
 */
export function readConfig(env: Environment) {
  return {
    baseUrl: checked('BASE_URL', (env.BASE_URL || 'http://127.0.0.1:8080').replace(/\/+$/, ''), HTTP),
    /** Where sockets connect to, in turn. Empty: the replicas, or the gateway. */
    socketUrls: list(env, 'SOCKET_URLS').map((url) => checked('SOCKET_URLS', url, WS)),
    /** The replicas' own addresses. Empty: /replica/<n> of the gateway. */
    replicaUrls: list(env, 'REPLICA_URLS').map((url) => checked('REPLICA_URLS', url, HTTP)),
    profile: profile(env.PROFILE || 'smoke'),
    userPrefix: env.USER_PREFIX || 'load',
    password: env.LOAD_PASSWORD || 'load-password',
    /** Sockets that one VU of k6 holds. */
    socketsPerVu: count(env, 'SOCKETS_PER_VU', 10, { min: 1 }),
    /** Bytes of a message's text at least; what the ledger needs may be more. */
    messageBytes: count(env, 'MESSAGE_BYTES', 120, { min: 0, max: LIMITS.messageBytes }),
    /** Seconds that the last messages may take to arrive. */
    drainSeconds: number(env, 'DRAIN_SECONDS', 30, { min: 1 }),
    /** Milliseconds that 99 % of what the scenario is about must not exceed; 0: any. */
    p99Ms: number(env, 'P99_MS', 0, { min: 0 }),
    /** Where the summary goes as JSON; none without it. */
    summaryFile: env.SUMMARY_FILE || '',
    /** Prints what each second brought, for the report. */
    timeline: env.TIMELINE === '1',
  };
}

export type Config = ReturnType<typeof readConfig>;

/**
 * The load of a scenario by the profile, with the numbers that the environment gives instead.
 *
 * @throws EnvironmentError
 */
export function readLoad(scenario: ScenarioName, profileName: ProfileName, env: Environment): Load {
  const load = loadOf(scenario, profileName);
  const rooms = count(env, 'ROOMS', load.rooms, { min: 1 });
  const roomsPerClient = count(env, 'ROOMS_PER_CLIENT', load.roomsPerClient, { min: 1 });
  if (scenario === 'rooms' && roomsPerClient > rooms)
    throw new EnvironmentError(
      `ROOMS_PER_CLIENT: a client cannot be in ${roomsPerClient} of ${rooms} rooms (ROOMS)`,
    );
  return {
    ...load,
    sockets: count(env, 'SOCKETS', load.sockets, { min: 1 }),
    senders: count(env, 'SENDERS', load.senders, { min: 1 }),
    rate: number(env, 'RATE', load.rate, { min: 0 }),
    users: count(env, 'USERS', load.users, { min: 1 }),
    connectSeconds: number(env, 'CONNECT_SECONDS', load.connectSeconds, { min: 0 }),
    holdSeconds: number(env, 'HOLD_SECONDS', load.holdSeconds, { min: 1 }),
    rooms,
    roomsPerClient,
    cuts: count(env, 'CUTS', load.cuts, { min: 0 }),
    comebackSeconds: number(env, 'COMEBACK_SECONDS', load.comebackSeconds, { min: 0 }),
  };
}

const HTTP = /^https?:\/\/[^/]/;
const WS = /^wss?:\/\/[^/]/;

interface Bounds {
  min: number;
  max?: number;
}

/** A whole number: there is no half a socket. */
function count(env: Environment, name: string, fallback: number, bounds: Bounds): number {
  const value = number(env, name, fallback, bounds);
  if (!Number.isInteger(value))
    throw new EnvironmentError(`${name}: expected a whole number, got "${env[name]}"`);
  return value;
}

function number(env: Environment, name: string, fallback: number, { min, max = Infinity }: Bounds): number {
  const given = env[name];
  if (!given) return fallback;
  const value = Number(given);
  if (!Number.isFinite(value) || value < min || value > max) {
    const range = max === Infinity ? `from ${min}` : `from ${min} to ${max}`;
    throw new EnvironmentError(`${name}: expected a number ${range}, got "${given}"`);
  }
  return value;
}

function list(env: Environment, name: string): string[] {
  return (env[name] ?? '')
    .split(',')
    .map((item) => item.trim().replace(/\/+$/, ''))
    .filter((item) => item !== '');
}

function checked(name: string, value: string, pattern: RegExp): string {
  if (!pattern.test(value)) throw new EnvironmentError(`${name}: ${value} is no address of that kind`);
  return value;
}

function profile(name: string): ProfileName {
  const known = PROFILES.find((each) => each === name);
  if (!known)
    throw new EnvironmentError(`PROFILE: there is no profile "${name}". There are ${PROFILES.join(', ')}`);
  return known;
}
