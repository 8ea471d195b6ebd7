import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../../scripts/failover.sh', import.meta.url));

/** What scripts/failover.sh said, and its exit code. */
export interface Failover {
  code: number;
  said: string;
  complained: string;
}

/** Runs scripts/failover.sh to its end, from stdin as in a pod of Kubernetes. */
export async function runFailover(...args: string[]): Promise<Failover> {
  try {
    const { stdout, stderr } = await promisify(execFile)('sh', [
      '-c',
      'sh -s -- "$@" < "$0"',
      SCRIPT,
      ...args,
    ]);
    return { code: 0, said: stdout, complained: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, said: stdout, complained: stderr };
  }
}
