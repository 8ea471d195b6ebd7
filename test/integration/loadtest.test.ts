import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCENARIOS } from '../../loadtest/lib/profiles.ts';
import type { Cluster } from '../harness/cluster.ts';
import { freePort } from '../harness/ports.ts';
import { hasK6, type LoadTarget, runLoad, startTarget } from './loadtest-run.ts';

/** A smoke takes seconds; restarting three replicas one after the other takes more. */
const TIMEOUT_MS = 180_000;

describe.skipIf(!hasK6)('npm run load', () => {
  let target: LoadTarget;
  let cluster: Cluster;
  let env: LoadTarget['env'];

  beforeAll(async () => {
    target = await startTarget();
    ({ cluster, env } = target);
  });

  afterAll(() => target?.stop());

  test.each(SCENARIOS.filter((name) => name !== 'rolling-restart'))(
    '%s: every message that was acknowledged arrives at every member, once and in order',
    async (scenario) => {
      const { code, output, results } = await runLoad([scenario], { ...env, HOLD_SECONDS: '3' });
      expect(code, output).toBe(0);
      const { counts, thresholds, processes } = results!.record;
      expect(counts.sent).toBeGreaterThan(0);
      expect(counts.received).toBe(counts.expected);
      expect(counts).toMatchObject({ missing: 0, gaps: 0, duplicates: 0, disorder: 0, unacked: 0 });
      expect(thresholds.filter(({ ok }) => !ok)).toEqual([]);
      expect(processes.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['realtime 1', 'realtime 2', 'realtime 3', 'auth', 'history']),
      );
    },
    TIMEOUT_MS,
  );

  test(
    'rolling-restart restarts every replica, and nobody misses a message',
    async () => {
      const before = cluster.realtime.map(({ pid }) => pid);
      const { code, output, results } = await runLoad(['rolling-restart'], {
        ...env,
        HOLD_SECONDS: '45',
        DRAIN_SECONDS: '60',
      });
      expect(code, output).toBe(0);
      expect(output).toContain('all replicas were restarted');
      for (const [index, { pid }] of cluster.realtime.entries()) expect(pid).not.toBe(before[index]);
      const { counts } = results!.record;
      expect(counts.new_replica).toBeGreaterThan(0);
      expect(counts.received).toBe(counts.expected);
    },
    TIMEOUT_MS,
  );

  test(
    'the report needs nothing but itself, and a second run compares itself with the first',
    async () => {
      const short = { ...env, HOLD_SECONDS: '1', SOCKETS: '4', SENDERS: '1', USERS: '2' };
      const first = await runLoad(['fanout', '--via', 'gateway'], short);
      const second = await runLoad(['fanout', '--via', 'replicas'], short);
      expect([first.code, second.code], first.output + second.output).toEqual([0, 0]);
      const { html, text, record } = second.results!;
      expect(html.match(/<svg/g)!.length).toBeGreaterThanOrEqual(5);
      expect(html).not.toMatch(/(?:src|href)=|@import|url\(|NaN|undefined/);
      expect(text).toContain('compared with');
      expect(html).toContain('-fanout</code>');
      expect(record.sockets.split(',')).toHaveLength(3);
    },
    TIMEOUT_MS,
  );

  test('with nothing at the address it says so in one line, and leaves no results', async () => {
    const results = readdirSync(env.RESULTS_DIR).length;
    const baseUrl = `http://127.0.0.1:${await freePort()}`;
    const { code, output } = await runLoad(['smoke'], { ...env, BASE_URL: baseUrl });
    expect(code).not.toBe(0);
    expect(output.match(/nothing answers at .*connection refused.*npm start/g)).toHaveLength(1);
    expect(output).toContain(baseUrl);
    expect(readdirSync(env.RESULTS_DIR)).toHaveLength(results);
  });

  test('users that exist with another password are named', async () => {
    const { code, output } = await runLoad(['smoke'], { ...env, LOAD_PASSWORD: 'another-password' });
    expect(code).not.toBe(0);
    expect(output).toMatch(/load-\w+ cannot log in .*LOAD_PASSWORD/);
  });
});
