import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { SocketIoTarget } from './socketio.ts';

const directory = mkdtempSync(join(tmpdir(), 'socketio-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it.runIf(process.platform === 'linux')('Socket.IO is measured with the native addon of ws', async () => {
  const target = await SocketIoTarget.start({ servers: 1, directory, nodeArgs: [] });
  try {
    const { pid } = target.servers[0]!;
    expect(readFileSync(`/proc/${pid}/maps`, 'utf8')).toContain('bufferutil.node');
  } finally {
    await target.stop();
  }
});
