export const SCENARIOS = [
  'smoke',
  'connect',
  'fanout',
  'rooms',
  'history',
  'login',
  'storm',
  'soak',
  'rolling-restart',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export const PROFILES = ['smoke', 'average', 'stress', 'spike', 'soak'] as const;
export type ProfileName = (typeof PROFILES)[number];

/** How much a scenario does. Every number can be given by the environment variable that stands beside it. */
export interface Load {
  /** Clients that listen; in `history` those that read pages, in `rooms` those that also send. (SOCKETS) */
  sockets: number;
  /** Clients that send. (SENDERS) */
  senders: number;
  /** What is done a second at the full rate: messages of all senders together, logins in `login`. (RATE) */
  rate: number;
  /** Factors of the rate; each holds for an equal part of the time. */
  curve: readonly number[];
  /** Accounts that the clients share. Each sender should have its own. (USERS) */
  users: number;
  /** Seconds in which the clients connect, evenly spread. (CONNECT_SECONDS) */
  connectSeconds: number;
  /** Seconds in which is sent. (HOLD_SECONDS) */
  holdSeconds: number;
  /** Rooms of `rooms`, and how many of them each client is in. (ROOMS, ROOMS_PER_CLIENT) */
  rooms: number;
  roomsPerClient: number;
  /** How often `storm` cuts all clients, and the seconds within which each comes back. (CUTS, COMEBACK_SECONDS) */
  cuts: number;
  comebackSeconds: number;
}

const STEADY = [1];
/** Stress: where does it bend? */
const STEPS = [0.25, 0.5, 0.75, 1];
/** Spike: a tenth of the rate, all at once ten times as much, and back. */
const SPIKE = [0.1, 0.1, 1, 0.1, 0.1];

/**
 * Sized for a laptop with two cores on which the cluster runs as well: k6 receives 15 to 25 thousand messages a
 * second there, and a room delivers rate x sockets. Smoke takes seconds, average about a minute.
 */
const BASE: Record<ProfileName, Load> = {
  smoke: {
    ...{ sockets: 18, senders: 3, rate: 9, curve: STEADY, users: 6, connectSeconds: 1, holdSeconds: 4 },
    ...{ rooms: 10, roomsPerClient: 5, cuts: 1, comebackSeconds: 1 },
  },
  average: {
    ...{ sockets: 300, senders: 6, rate: 20, curve: STEADY, users: 36, connectSeconds: 5, holdSeconds: 45 },
    ...{ rooms: 100, roomsPerClient: 5, cuts: 3, comebackSeconds: 3 },
  },
  stress: {
    ...{ sockets: 600, senders: 12, rate: 28, curve: STEPS, users: 48, connectSeconds: 10, holdSeconds: 80 },
    ...{ rooms: 500, roomsPerClient: 10, cuts: 5, comebackSeconds: 2 },
  },
  spike: {
    ...{ sockets: 300, senders: 12, rate: 50, curve: SPIKE, users: 36, connectSeconds: 2, holdSeconds: 60 },
    ...{ rooms: 100, roomsPerClient: 5, cuts: 3, comebackSeconds: 0 },
  },
  soak: {
    ...{
      sockets: 200,
      senders: 6,
      rate: 10,
      curve: STEADY,
      users: 36,
      connectSeconds: 20,
      holdSeconds: 3600,
    },
    ...{ rooms: 100, roomsPerClient: 5, cuts: 60, comebackSeconds: 30 },
  },
};

/** Where a scenario's work is of another kind or price. */
const SPECIAL: Record<ScenarioName, Partial<Record<ProfileName, Partial<Load>>>> = {
  smoke: {},
  fanout: {},
  storm: { smoke: { holdSeconds: 6 } },
  soak: { smoke: { holdSeconds: 8 }, average: { holdSeconds: 60 } },
  connect: {
    smoke: { sockets: 60, senders: 1, rate: 2, holdSeconds: 2 },
    average: { sockets: 2000, senders: 1, rate: 1, users: 48, connectSeconds: 20, holdSeconds: 15 },
    stress: { sockets: 6000, senders: 1, rate: 1, users: 120, connectSeconds: 20, holdSeconds: 20 },
    spike: { sockets: 2000, senders: 1, rate: 1, users: 48, connectSeconds: 2, holdSeconds: 20 },
    soak: { sockets: 2000, senders: 1, rate: 1, users: 48, connectSeconds: 60 },
  },
  rooms: {
    smoke: { sockets: 20, rate: 20, users: 20 },
    average: { sockets: 200, rate: 200, users: 50 },
    stress: { sockets: 500, rate: 1000, users: 60 },
    spike: { sockets: 200, rate: 1000, users: 50 },
    soak: { sockets: 200, rate: 100, users: 50 },
  },
  history: {
    smoke: { sockets: 3, rate: 30 },
    average: { sockets: 12, rate: 60 },
    stress: { sockets: 40, rate: 100 },
    spike: { sockets: 40, rate: 100 },
    soak: { sockets: 8, rate: 20 },
  },
  login: {
    smoke: { rate: 4, users: 6 },
    average: { rate: 10, users: 36 },
    stress: { rate: 60, users: 48 },
    spike: { rate: 60, users: 48 },
    soak: { rate: 5, users: 36 },
  },
  'rolling-restart': {
    smoke: { holdSeconds: 25 },
    average: { holdSeconds: 60 },
    stress: { curve: STEADY, rate: 20 },
    spike: { curve: STEADY, rate: 20 },
  },
};

export function loadOf(scenario: ScenarioName, profile: ProfileName): Load {
  return { ...BASE[profile], ...SPECIAL[scenario][profile] };
}

/** Seconds that a login may take. */
const LOGIN_SECONDS = 5;

/** The most logins of a load that are under way at once; what is due beyond them is dropped. */
export function loginsUnderWay({ rate }: Pick<Load, 'rate'>): number {
  return Math.max(1, Math.ceil(rate * LOGIN_SECONDS));
}
