import { expect, test } from 'vitest';
import { readSettings, SettingsError } from './start-config.ts';

test('without variables, and with empty ones, the defaults hold', () => {
  const settings = readSettings({ REDIS_URL: '', PORT: '' });
  expect(settings).toMatchObject({ PORT: 8080, SOCKET_PORT: 8081, REPLICAS: 3, DEMO_DATA: true });
  expect(settings.DATA_DIR).toMatch(/\/\.data$/);
  expect(settings.REDIS_URL).toBeUndefined();
});

test.each([
  ['REPLICAS', 'many'],
  ['REPLICAS', '0'],
  ['PORT', '70000'],
  ['SOCKET_PORT', '-1'],
  ['REDIS_URL', 'http://127.0.0.1'],
  ['REDIS_SENTINELS', '127.0.0.1:26379'],
  ['GATEWAY_THREADS', 'x'],
  ['GATEWAY_THREADS', '65'],
])('a bad %s is named', (name, value) => {
  expect(() => readSettings({ [name]: value })).toThrow(SettingsError);
  expect(() => readSettings({ [name]: value })).toThrow(new RegExp(`^${name}: `));
});

test('one port cannot be both', () => {
  expect(() => readSettings({ PORT: '9000', SOCKET_PORT: '9000' })).toThrow(
    'PORT and SOCKET_PORT have to differ',
  );
});
