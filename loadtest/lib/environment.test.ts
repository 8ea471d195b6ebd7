import { expect, test } from 'vitest';
import { LIMITS } from '../../packages/protocol/src/limits.ts';
import { type Environment, EnvironmentError, readConfig, readLoad } from './environment.ts';
import { loadOf } from './profiles.ts';

function read(env: Environment) {
  return { ...readConfig(env), ...readLoad('rooms', 'smoke', env) };
}

test('without variables it is the local cluster, with the load of the profile', () => {
  expect(read({})).toMatchObject({ ...loadOf('rooms', 'smoke'), baseUrl: 'http://127.0.0.1:8080', p99Ms: 0 });
  expect(read({ SOCKETS: '', BASE_URL: '' })).toEqual(read({}));
});

test('each number can be given instead, and what is measured in seconds or a second may be a fraction', () => {
  const env = { SOCKETS: '40', RATE: '0.5', HOLD_SECONDS: '2.5', MESSAGE_BYTES: String(LIMITS.messageBytes) };
  expect(read(env)).toMatchObject({ sockets: 40, rate: 0.5, holdSeconds: 2.5, messageBytes: 4096 });
});

test.each([
  [{ SOCKETS: '10.5' }, /^SOCKETS: expected a whole number, got "10.5"/],
  [{ SOCKETS_PER_VU: '2.5' }, /^SOCKETS_PER_VU: expected a whole number/],
  [{ MESSAGE_BYTES: '4097' }, /^MESSAGE_BYTES: expected a number from 0 to 4096, got "4097"/],
  [{ SENDERS: '0' }, /^SENDERS: expected a number from 1, got "0"/],
  [{ RATE: 'many' }, /^RATE: expected a number from 0, got "many"/],
  [{ ROOMS: '3', ROOMS_PER_CLIENT: '5' }, /^ROOMS_PER_CLIENT: a client cannot be in 5 of 3 rooms/],
  [{ PROFILE: 'huge' }, /^PROFILE: there is no profile "huge"/],
  [{ BASE_URL: '127.0.0.1:8080' }, /^BASE_URL: 127.0.0.1:8080 is no address/],
  [{ SOCKET_URLS: 'ws://a:1,http://b:2' }, /^SOCKET_URLS: http:\/\/b:2 is no address/],
] as [Environment, RegExp][])('%j is an error that names the variable', (env, message) => {
  expect(() => read(env)).toThrow(EnvironmentError);
  expect(() => read(env)).toThrow(message);
});
