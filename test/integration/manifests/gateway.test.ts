import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../harness/programs.ts';

const DIR = fileURLToPath(new URL('../../../deploy/gateway', import.meta.url));
const haproxy = findProgram('haproxy');

describe.skipIf(!haproxy)(`the gateway's files${haproxy ? '' : ' (skipped: haproxy is missing)'}`, () => {
  function check(backends: string, env: Record<string, string>): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync(
      haproxy!,
      ['-c', '-f', `${DIR}/haproxy.cfg`, '-f', `${DIR}/${backends}`],
      { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } },
    );
    return { status, output: stdout + stderr };
  }
  const kubernetes = {
    GATEWAY_DNS_SUFFIX: 'chat.svc.cluster.local',
    STATS_BIND: '0.0.0.0:8404',
    GATEWAY_FD_LIMIT: '40000',
  };

  it('are taken by HAProxy with the backends of Kubernetes, without a word', () => {
    const { status, output } = check('backends.kubernetes.cfg', kubernetes);
    expect(output.replace(/Configuration file is valid\s*/, '')).toBe('');
    expect(status).toBe(0);
  });

  it('are taken with a proxy in front that is believed', () => {
    expect(
      check('backends.kubernetes.cfg', { ...kubernetes, TRUSTED_PROXIES: '10.0.0.0/8 fd00::/8' }).status,
    ).toBe(0);
  });

  it('are taken with the example of fixed addresses', () => {
    expect(check('backends.example.cfg', {}).status).toBe(0);
  });
});
