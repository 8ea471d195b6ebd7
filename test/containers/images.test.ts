import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { imageName, TARGETS } from '../../scripts/images.mjs';
import { dockerContainer, eventually, isReady, startRedis, startService } from './container-cluster.ts';
import { prepared, TAG } from './engine.ts';
import { PrivateNetwork } from './private-network.ts';

const { skipped, failed } = await prepared(inject('imagesPrepared'));
const SERVICES = ['auth', 'history', 'realtime'];

describe.skipIf(skipped)(`the images${skipped ? ` (skipped: ${skipped})` : ''}`, () => {
  let network: PrivateNetwork;
  beforeAll(async () => {
    if (failed) throw new Error(failed);
    network = await PrivateNetwork.create();
  });
  afterAll(() => network?.remove());

  function docker(...args: string[]): string {
    const { stdout, stderr, status } = spawnSync('docker', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  }
  /** What a shell prints inside an image, on a read-only root file system without any capability. */
  function inside(target: string, script: string): string {
    const hardened = ['--rm', '--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
    return docker(
      'run',
      ...hardened,
      '--network',
      'none',
      '--entrypoint',
      'sh',
      imageName(target, TAG),
      '-c',
      script,
    );
  }

  it.each(TARGETS)(
    '%s is small, says what it is, runs as nobody in particular and checks its health',
    (target) => {
      const [{ Size, Config }] = JSON.parse(docker('image', 'inspect', imageName(target, TAG)));
      expect(Size).toBeLessThan(250e6);
      expect(Config.User).toBe('10001:10001');
      expect(Config.Healthcheck.Test).toContain('probe');
      expect(Config.StopSignal).toBe(target === 'gateway' ? 'SIGUSR1' : 'SIGTERM');
      for (const label of ['title', 'description', 'licenses', 'version', 'revision', 'created']) {
        expect(Config.Labels[`org.opencontainers.image.${label}`], label).toBeTruthy();
      }
      expect(Config.Labels['org.opencontainers.image.version']).toBe(TAG);
    },
  );

  it.each(SERVICES)('%s holds Node and no package manager, and nothing that it does not run', (target) => {
    expect(inside(target, 'node --version')).toMatch(/^v24\./);
    expect(inside(target, 'command -v npm npx yarn corepack || true')).toBe('');
    expect(inside(target, 'find /app -name "*.ts" -o -name ".npmrc" -o -name ".build"')).toBe('');
    expect(inside(target, 'touch /app/x 2>&1 || true')).toContain('Read-only file system');
  });

  it('realtime has one binary of uWebSockets.js, and the page', () => {
    expect(inside('realtime', 'ls node_modules/uWebSockets.js/*.node').split('\n')).toHaveLength(1);
    expect(inside('realtime', 'ls web/index.html')).toBe('web/index.html');
  });

  it.each(SERVICES)(
    '%s waits for a Redis that is not there yet, and is ready by itself when it comes',
    async (name) => {
      const own = await PrivateNetwork.create();
      onTestFinished(async () => void (await own.remove()));
      const service = await startService(own, name, { REDIS_TIMEOUT_MS: '500' });
      onTestFinished(async () => void (await service.stop({ timeout: 1000 })));
      await sleep(3000);
      expect(await isReady(service)).toBe(false);
      expect((await service.exec(['probe'])).exitCode).toBe(0);
      const [warning] = logs(service).filter(({ msg }) => msg === 'redis is away, trying again');
      expect(warning).toMatchObject({ level: 40, redis: 'redis://redis:6379' });

      const redis = await startRedis(own);
      onTestFinished(async () => void (await redis.stop({ timeout: 1000 })));
      await eventually('the service to be ready', () => isReady(service));
      const { State, RestartCount } = await (await dockerContainer(service)).inspect();
      expect([State.Running, RestartCount]).toEqual([true, 0]);
    },
  );

  it.each(SERVICES)('%s ends at once with the name of a variable that is wrong', (name) => {
    const args = [
      'run',
      '--rm',
      '--network',
      'none',
      '--env',
      'REDIS_URL=localhost:6379',
      imageName(name, TAG),
    ];
    const { status, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^bad configuration\nREDIS_URL: expected redis:/);
  });

  it.concurrent.each(TARGETS)('%s is found healthy by its own check', async (target) => {
    const env: Record<string, string> = target === 'gateway' ? { GATEWAY_DNS_SUFFIX: 'nowhere.test' } : {};
    const container = await new GenericContainer(imageName(target, TAG))
      .withNetworkMode(network.name)
      .withEnvironment(env)
      .withWaitStrategy(Wait.forHealthCheck())
      .start();
    await container.stop({ timeout: 1000 });
  });

  function logs(container: StartedTestContainer): { msg: string }[] {
    const text = docker('logs', container.getId());
    return text.split('\n').map((line) => JSON.parse(line));
  }
});
