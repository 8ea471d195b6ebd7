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

  it('blacks secrets out in the fields of child loggers, in lists and however headers are spelled', () => {
    const secret = 'sid=s3cret';
    const [line] = logged((logger) =>
      logger.child({ token: secret, requestId: 'r' }).info({
        Authorization: secret,
        answers: [{ headers: { 'Set-Cookie': secret } }, { status: 200 }],
      }),
    );
    expect(JSON.stringify(line)).not.toContain('s3cret');
    expect(line).toMatchObject({ requestId: 'r', answers: [{}, { status: 200 }] });
  });

  it('tells the name of the command that an error carries, and not what it was sent with', () => {
    const command = { name: 'hello', args: ['3', 'AUTH', 'default', 's3cret'] };
    const error = Object.assign(new Error('WRONGPASS'), { command, code: 'E' });
    const lines = logged((logger) => {
      logger.warn({ err: error }, 'refused');
      logger.warn(error);
      logger.warn({ err: new AggregateError([error], 'all'), details: { last: error, token: 's3cret' } });
    });
    expect(JSON.stringify(lines)).not.toContain('s3cret');
    expect(lines).toHaveLength(3);
    for (const { err } of lines.slice(0, 2))
      expect(err).toMatchObject({ type: 'Error', message: 'WRONGPASS', code: 'E', command: 'hello' });
    expect(lines[2]).toMatchObject({ err: { errors: [{ command: 'hello' }] }, details: { token: '***' } });
  });

  it('does not change what it is given, and survives what refers to itself', () => {
    const body: Record<string, unknown> = { password: 's3cret' };
    body.self = body;
    const error: Error & { self?: unknown } = new Error('x');
    error.self = error;
    const lines = logged((logger) => logger.info({ body, err: error }));
    expect(lines).toHaveLength(1);
    expect(body.password).toBe('s3cret');
  });
});
