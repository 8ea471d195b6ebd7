import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { baseSchema, ConfigError, loadConfig } from './config.ts';
import { integer, withoutPassword } from './settings.ts';

const problems = (env: Record<string, string>, schema: z.ZodObject = baseSchema) => {
  try {
    loadConfig(schema, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split('\n');
  }
  return [];
};

describe('loadConfig', () => {
  it('has a default for every variable of all services', () => {
    expect(loadConfig(baseSchema, {})).toEqual({
      PORT: 0,
      HOST: '0.0.0.0',
      REDIS_URL: 'redis://127.0.0.1:6379',
      REDIS_SENTINELS: [],
      REDIS_SENTINEL_NAME: 'mymaster',
      REDIS_TIMEOUT_MS: 2000,
      SESSION_TTL_SECONDS: 2_592_000,
      LOG_LEVEL: 'info',
      ALLOWED_ORIGINS: [],
      LIMITS: true,
      TRUST_PROXY: false,
      SHUTDOWN_TIMEOUT_MS: 10_000,
    });
  });

  it('reads every kind of value', () => {
    const config = loadConfig(baseSchema, {
      PORT: '8080',
      REDIS_URL: 'rediss://user:pass@redis.example:6380/2',
      LIMITS: 'off',
      TRUST_PROXY: 'TRUE',
      ALLOWED_ORIGINS: 'https://Chat.Example.org, http://localhost:5173/ ,',
      LOG_LEVEL: 'debug',
    });
    expect(config).toMatchObject({
      PORT: 8080,
      REDIS_URL: 'rediss://user:pass@redis.example:6380/2',
      LIMITS: false,
      TRUST_PROXY: true,
      ALLOWED_ORIGINS: ['https://chat.example.org', 'http://localhost:5173'],
      LOG_LEVEL: 'debug',
    });
  });

  it('reads the addresses of sentinels', () => {
    const config = loadConfig(baseSchema, { REDIS_SENTINELS: 'a.example:5000, 10.0.0.1,[::1]:26380 ,' });
    expect(config.REDIS_SENTINELS).toEqual([
      { host: 'a.example', port: 5000 },
      { host: '10.0.0.1', port: 26_379 },
      { host: '::1', port: 26_380 },
    ]);
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadConfig(baseSchema, { PORT: '', LOG_LEVEL: '  ' })).toMatchObject({
      PORT: 0,
      LOG_LEVEL: 'info',
    });
  });

  it('cannot be changed', () => {
    const config = loadConfig(baseSchema, {});
    expect(() => Object.assign(config, { PORT: 1 })).toThrow(TypeError);
  });

  it('reads nothing but what the schema names', () => {
    expect(loadConfig(baseSchema, { PATH: '/bin' })).not.toHaveProperty('PATH');
  });

  it.each([
    [{ PORT: 'abc' }, 'PORT: expected a port, got "abc"'],
    [{ PORT: '65536' }, 'PORT: expected a port, got "65536"'],
    [{ PORT: '-1' }, 'PORT: expected a port, got "-1"'],
    [{ LIMITS: 'maybe' }, 'LIMITS: expected true, false, on, off, 1 or 0, got "maybe"'],
    [{ REDIS_TIMEOUT_MS: '1.5' }, 'REDIS_TIMEOUT_MS: expected milliseconds, got "1.5"'],
    [{ REDIS_TIMEOUT_MS: '9999999999' }, 'REDIS_TIMEOUT_MS: expected milliseconds, got "9999999999"'],
    [
      { LOG_LEVEL: 'loud' },
      'LOG_LEVEL: expected trace, debug, info, warn, error, fatal or silent, got "loud"',
    ],
    [
      { ALLOWED_ORIGINS: 'chat.example' },
      'ALLOWED_ORIGINS: expected origins like https://chat.example.org with commas between them, got "chat.example"',
    ],
    [
      { REDIS_URL: 'localhost:6379' },
      'REDIS_URL: expected redis://host:port or rediss://host:port, got "localhost:6379"',
    ],
    [
      { REDIS_URL: 'redis://h/db' },
      'REDIS_URL: expected redis://host:port or rediss://host:port, got "redis://h/db"',
    ],
    ...['a:b', 'a:0', 'a:70000', 'redis://a:1', '::1'].map((text): [Record<string, string>, string] => [
      { REDIS_SENTINELS: text },
      `REDIS_SENTINELS: expected host:port with commas between them, got "${text}"`,
    ]),
  ])('names what is wrong: %o', (env, message) => {
    expect(problems(env as Record<string, string>)).toEqual([message]);
  });

  it('names every bad variable at once', () => {
    expect(problems({ PORT: 'x', LIMITS: 'x' })).toHaveLength(2);
  });

  it('names a variable that is not set but needed', () => {
    expect(problems({}, z.object({ NEEDED: z.string('expected a text') }))).toEqual([
      'NEEDED: expected a text, but it is not set',
    ]);
  });

  it('prints no secret', () => {
    const text = problems({ REDIS_URL: 'http://user:s3cret@host' }).join();
    expect(text).toContain('http://user:***@host');
    expect(problems({ API_TOKEN: 's3cret' }, z.object({ API_TOKEN: integer(0) })).join()).not.toContain(
      's3cret',
    );
  });
});

describe('integer', () => {
  it('holds its bounds', () => {
    const schema = integer(2, 4);
    expect(['1', '2', '4', '5', '', 'x', '2.5', '1e1'].map((text) => schema.safeParse(text).success)).toEqual(
      [...[false, true, true, false, false, false, false, false]],
    );
  });
});

describe('withoutPassword', () => {
  it.each([
    ['redis://127.0.0.1:6379/1', 'redis://127.0.0.1:6379/1'],
    ['redis://:secret@host:1', 'redis://:***@host:1'],
    ['rediss://user:p:a@ss@host', 'rediss://user:***@host'],
    ['redis://user@host', 'redis://user@host'],
    ['redis://user:se/cr?et@host', 'redis://user:***@host'],
  ])('%s', (url, printed) => {
    expect(withoutPassword(url)).toBe(printed);
  });
});
