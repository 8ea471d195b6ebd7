import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import Koa from 'koa';
import { describe, expect, it } from 'vitest';
import { serve } from './serve.ts';
import type { AppState } from './state.ts';

/** An app that answers /slow when it is told to. */
function slowApp() {
  const app = new Koa<AppState>();
  let release = () => {};
  let arrived = () => {};
  const asked = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  app.use(async (ctx) => {
    if (ctx.path === '/slow') {
      arrived();
      await released;
    }
    ctx.body = 'done';
  });
  return { app, asked, release };
}

const HERE = { host: '127.0.0.1', port: 0 };

describe('serve', () => {
  it('takes a free port and says where it listens', async () => {
    const server = await serve(slowApp().app, { host: '0.0.0.0', port: 0 });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    expect(await (await fetch(server.url)).text()).toBe('done');
    await server.close();
  });

  it('fails on a port that is taken', async () => {
    const first = await serve(slowApp().app, HERE);
    await expect(serve(slowApp().app, { ...HERE, port: first.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await first.close();
  });

  it('closes idle keep-alive connections at once', async () => {
    const server = await serve(slowApp().app, HERE);
    const agent = new Agent({ keepAlive: true });
    await new Promise((resolve) =>
      get(server.url, { agent }, (response) => response.resume().on('end', resolve)),
    );
    const silent = connect(server.port, '127.0.0.1');
    silent.on('error', () => undefined);
    await new Promise((resolve) => silent.once('connect', resolve));
    // Longer than this test may take: nothing here is waited for.
    await server.close(120_000);
    await expect(fetch(server.url)).rejects.toThrow();
    silent.destroy();
    agent.destroy();
  });

  it('answers what is under way, closes its connection, and takes nothing new', async () => {
    const { app, asked, release } = slowApp();
    const server = await serve(app, HERE);
    const slow = fetch(`${server.url}/slow`);
    await asked;
    const closed = server.close();
    expect(server.close()).toBe(closed);
    await expect(fetch(server.url)).rejects.toThrow();
    release();
    expect(await (await slow).text()).toBe('done');
    await closed;
  });

  it('cuts what is not answered in time', async () => {
    const { app, asked } = slowApp();
    const server = await serve(app, HERE);
    const slow = fetch(`${server.url}/slow`).catch((error: unknown) => error);
    await asked;
    await server.close(50);
    expect(await slow).toBeInstanceOf(Error);
  });
});
