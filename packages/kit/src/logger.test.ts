import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';

function logged(write: (logger: ReturnType<typeof createLogger>) => void, level = 'info') {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  write(createLogger({ name: 'auth', level, serverId: 'host-1', destination }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('createLogger', () => {
  it('writes JSON lines that say who, when and what', () => {
    const [line] = logged((logger) => logger.info({ port: 1 }, 'listens'));
    expect(line).toMatchObject({ name: 'auth', serverId: 'host-1', level: 30, port: 1, msg: 'listens' });
    expect(line!.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  it('leaves out what is below its level', () => {
    expect(logged((logger) => logger.debug('x'))).toEqual([]);
  });

  it('writes an error with its stack and cause', () => {
    const [line] = logged((logger) =>
      logger.error({ err: new Error('outer', { cause: new Error('inner') }) }),
    );
    expect(line!.err).toMatchObject({ type: 'Error', message: expect.stringContaining('outer') });
    expect((line!.err as { stack: string }).stack).toContain('inner');
  });

  it('blacks secrets out, in the line and in the objects of it', () => {
    const secret = 'sid=s3cret';
    const [line] = logged((logger) =>
      logger.child({ requestId: 'r' }).info({
        password: secret,
        token: secret,
        headers: { cookie: secret, authorization: secret, host: 'h' },
        req: { headers: { cookie: secret, 'set-cookie': secret } },
        body: { username: 'ann', password: secret },
      }),
    );
    expect(JSON.stringify(line)).not.toContain('s3cret');
    expect(line).toMatchObject({ headers: { host: 'h', cookie: '***' }, body: { username: 'ann' } });
  });
});
