import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../packages/protocol/src/limits.ts';
import { schema } from '../../services/auth/src/config.ts';
import { Membership } from './membership.ts';
import { type Load, loadOf, loginsUnderWay, PROFILES, SCENARIOS } from './profiles.ts';
import { zipfShares } from './zipf.ts';

const all = SCENARIOS.flatMap((scenario) =>
  PROFILES.map((profile) => ({ scenario, profile, load: loadOf(scenario, profile) })),
);
const inOneRoom = all.filter(({ scenario }) => !['rooms', 'login', 'history'].includes(scenario));

test.each(all)('$scenario $profile: every sender has a user of its own', ({ scenario, load }) => {
  if (scenario !== 'rooms' && scenario !== 'login') expect(load.users).toBeGreaterThanOrEqual(load.senders);
});

describe('a cluster with its default limits takes it', () => {
  test.each(inOneRoom)('$scenario $profile', ({ load }) => {
    const highest = load.rate * Math.max(...load.curve);
    expect(highest / load.senders).toBeLessThanOrEqual(LIMITS.messagesPerSecond);
    expect((load.sockets + load.senders) / load.users).toBeLessThanOrEqual(LIMITS.socketsPerUser);
  });

  const gentle = PROFILES.filter((profile) => profile !== 'stress' && profile !== 'spike');

  test.each(gentle)('rooms %s', (profile) => {
    expect(Math.max(...ratesByUser(loadOf('rooms', profile)))).toBeLessThanOrEqual(LIMITS.messagesPerSecond);
  });

  // Until it is answered, a login counts as a failed one of its address.
  test.each(gentle)('login %s', (profile) => {
    const { LOGIN_ATTEMPTS_PER_ADDRESS } = schema.parse({});
    expect(loginsUnderWay(loadOf('login', profile))).toBeLessThanOrEqual(LOGIN_ATTEMPTS_PER_ADDRESS);
  });
});

test.each(inOneRoom)('$scenario $profile: k6 can receive it on two cores', ({ load }) => {
  const deliveries = load.rate * Math.max(...load.curve) * (load.sockets + load.senders);
  expect(deliveries).toBeLessThanOrEqual(20_000);
});

test.each(SCENARIOS)('%s: smoke takes seconds, average about a minute', (scenario) => {
  const seconds = ({ connectSeconds, holdSeconds }: Load) => connectSeconds + holdSeconds;
  expect(seconds(loadOf(scenario, 'smoke'))).toBeLessThanOrEqual(26);
  expect(seconds(loadOf(scenario, 'average'))).toBeLessThanOrEqual(65);
});

/** Messages a second that each user sends in `rooms`. */
function ratesByUser({ sockets, rooms, roomsPerClient, rate, users }: Load): number[] {
  const membership = new Membership({ clients: sockets, rooms, perClient: roomsPerClient });
  const shares = zipfShares(rooms);
  const rates = Array.from({ length: users }, () => 0);
  for (let client = 0; client < sockets; client++) {
    for (const room of membership.roomsOf(client)) {
      rates[client % users]! += (rate * shares[room]!) / membership.membersOf(room);
    }
  }
  return rates;
}
