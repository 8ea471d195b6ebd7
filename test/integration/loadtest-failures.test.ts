import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { k6InPath } from '../../loadtest/run/k6.ts';
import type { Cluster } from '../harness/cluster.ts';
import { hasK6, type LoadTarget, runLoad, startTarget } from './loadtest-run.ts';

/** The runner's exit code when something failed. */
const FAILED = 99;
const TIMEOUT_MS = 120_000;

describe.skipIf(!hasK6)('a load test of what does not work', () => {
  let target: LoadTarget;
  let cluster: Cluster;
  let env: LoadTarget['env'];

  beforeAll(async () => {
    target = await startTarget({ replicas: 2 });
    ({ cluster, env } = target);
  });

  afterAll(() => target?.stop());

  test(
    'fails where no login succeeds, and says how many were offered and refused',
    async () => {
      const users = 2;
      let logins = 0;
      const url = await inFrontOf(cluster.gateway.url, (path) => {
        // setup() logs in the owner and the users; after that it is too much.
        if (path === '/login' && ++logins > users + 1) return 503;
        return undefined;
      });
      const load = { USERS: String(users), RATE: '4', HOLD_SECONDS: '2' };
      const { code, output, results } = await runLoad(['login'], { ...env, ...load, BASE_URL: url });
      expect(code, output).toBe(FAILED);
      expect(output).toContain('FAILED  chat_sent count>0');
      const { offered, sent, refused } = results!.record.counts;
      expect(offered).toBeGreaterThan(0);
      expect([sent, refused]).toEqual([0, offered]);
      expect(output).toMatch(new RegExp(`logins offered +${offered}\\n.*answered +0\\n`));
    },
    TIMEOUT_MS,
  );

  test.each([
    ['login', 'chat_login_time'],
    ['history', 'chat_page_time'],
    ['connect', 'chat_connect_time'],
  ])(
    'fails where %s takes longer than P99_MS says',
    async (scenario, metric) => {
      const load = { HOLD_SECONDS: '2', P99_MS: '0.001' };
      const { code, output } = await runLoad([scenario], { ...env, ...load });
      expect(code, output).toBe(FAILED);
      expect(output).toContain(`FAILED  ${metric} p(99)<0.001`);
    },
    TIMEOUT_MS,
  );

  test(
    'tells the logins that were not begun, as those before were not answered',
    async () => {
      const slow = 10_000;
      let logins = 0;
      const url = await inFrontOf(cluster.gateway.url, (path) =>
        path === '/login' && ++logins > 3 ? slow : undefined,
      );
      const load = { USERS: '2', RATE: '2', HOLD_SECONDS: '8' };
      const { output, results } = await runLoad(['login'], { ...env, ...load, BASE_URL: url });
      const { dropped, counts } = results!.record;
      expect(dropped).toBeGreaterThan(0);
      expect(output).toContain(
        `logins offered         ${counts.offered + dropped}, of which ${dropped} were not`,
      );
    },
    TIMEOUT_MS,
  );

  test(
    'takes no move to another replica for a restart, where the gateway does not say which there are',
    async () => {
      const url = await inFrontOf(cluster.gateway.url, (path) =>
        /^\/replica\//.test(path) ? 404 : undefined,
      );
      const REPLICA_URLS = cluster.realtime.map((replica) => replica.url).join(',');
      const { code, output, results } = await runLoad(['storm'], { ...env, BASE_URL: url, REPLICA_URLS });
      expect(code, output).toBe(0);
      const { connected, new_replica } = results!.record.counts;
      const { sockets, senders } = results!.record.load;
      // A replica may also move a few of them, to balance what came back to it.
      expect(connected).toBeGreaterThanOrEqual(2 * (sockets + senders));
      expect(new_replica).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'fails when the command that restarts the replicas does, though one was restarted',
    async () => {
      const command = `kill -TERM ${cluster.realtime[0]!.pid}; exit 3`;
      const { code, output, results } = await runLoad(['rolling-restart', '--restart', command], {
        ...env,
        HOLD_SECONDS: '45',
        DRAIN_SECONDS: '60',
      });
      expect(output).toContain('FAILED  restart command ended with code 3');
      expect(results!.record.counts.new_replica, output).toBeGreaterThan(0);
      expect(results!.record.thresholds.filter(({ ok }) => !ok)).toHaveLength(1);
      expect([code, results!.record.passed]).toEqual([FAILED, false]);
    },
    TIMEOUT_MS,
  );

  test(
    'keeps what is known of a run whose k6 was killed',
    async () => {
      const bin = join(target.directory, 'bin');
      mkdirSync(bin);
      const k6 = k6InPath(process.env.PATH ?? '')!;
      // It is killed as soon as somebody has sent; the fifth argument is the file that the scripts print to.
      const script = [
        '#!/bin/sh',
        `[ "$1" = run ] || exec ${k6} "$@"`,
        `${k6} "$@" & pid=$!`,
        'until grep -q "n.sent=" "$5"; do sleep 0.2; done',
        'kill -KILL $pid',
        'wait $pid',
      ];
      writeFileSync(join(bin, 'k6'), `${script.join('\n')}\n`);
      chmodSync(join(bin, 'k6'), 0o755);
      const { code, output, results } = await runLoad(['fanout'], {
        ...{ ...env, HOLD_SECONDS: '60', PATH: `${bin}:${process.env.PATH}` },
      });
      expect(code, output).toBe(137);
      const { record, text } = results!;
      expect(record).toMatchObject({ interrupted: true, passed: false });
      expect(record.counts.sent).toBeGreaterThan(0);
      expect(record.timeline.length).toBeGreaterThan(0);
      expect(text).toContain('FAILED  k6 ended with code 137');
      const path = /report {2}(.*)\/report\.html/.exec(output)![1]!;
      expect(existsSync(join(path, 'console.log'))).toBe(true);
    },
    TIMEOUT_MS,
  );

  test('says in one line that an address which answers everything with a page is no cluster', async () => {
    const url = await serve((_, response) => response.end('<!doctype html><title>Welcome</title>'));
    const { code, output } = await runLoad(['smoke'], { ...env, BASE_URL: url });
    expect(code).not.toBe(0);
    expect(output.match(/is no chat cluster/g)).toHaveLength(1);
    expect(output).not.toMatch(/TypeError|\.ts:\d/);
  });

  test.each([
    [{ SOCKETS: '10.5' }, 'SOCKETS: expected a whole number, got "10.5"'],
    [{ PROFILE: 'huge' }, 'there is no profile "huge"'],
    [{ BASE_URL: 'nowhere' }, 'BASE_URL: nowhere is no address'],
  ])('%j is one line, before anything runs', async (wrong, line) => {
    const { code, output } = await runLoad(['fanout'], { ...env, ...wrong });
    expect(code).toBe(2);
    expect(output).toContain(line);
    expect(output).not.toMatch(/level=error|\.ts:\d/);
    expect(readdirSync(env.RESULTS_DIR).filter((name) => /^\d{4}-/.test(name) && isEmpty(name))).toEqual([]);
  });

  function isEmpty(name: string): boolean {
    return readdirSync(join(env.RESULTS_DIR, name)).length === 0;
  }
});

/**
 * An HTTP proxy that answers some requests itself.
 *
 * @param answer a status to answer with, a delay in milliseconds from 1000 on, or undefined to hand it on
 */
async function inFrontOf(target: string, answer: (path: string) => number | undefined): Promise<string> {
  return serve((request, response) => {
    const given = answer(request.url!);
    if (given !== undefined && given < 1000) {
      response
        .writeHead(given, { 'content-type': 'application/json' })
        .end('{"code":"busy","message":"busy"}');
      return;
    }
    const { method, headers } = request;
    const onward = httpRequest(`${target}${request.url}`, { method, headers }, (reply) => {
      response.writeHead(reply.statusCode!, reply.headers);
      reply.pipe(response);
    });
    onward.on('error', () => response.destroy());
    setTimeout(() => request.pipe(onward), given ?? 0);
  });
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
