import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ChatApi } from './api.ts';

interface Asked {
  line: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server that answers every request alike. */
async function answering(
  status: number,
  body: string,
): Promise<{ server: Server; url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    asked.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: text });
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test('every call has its path, query and body', async () => {
  const { url, asked } = await answering(200, '{}');
  const api = new ChatApi({ baseUrl: `${url}/` });
  await api.me();
  await api.randomName();
  await api.rooms(1);
  await api.createPrivateRoom(1, 2);
  await api.createRoom('Cats & Dogs');
  await api.joinRoom('3');
  await api.messages('1:2', { before: 1615480369.123456, size: 20 });
  await api.messages('0', { after: 0 });
  await api.messages('0');
  await api.preload();
  await api.users([1, 2]);
  await api.users([]);
  await api.online();
  await api.logout();
  expect(asked.map(({ line, body }) => (body ? `${line} ${body}` : line))).toEqual([
    'GET /me',
    'GET /randomname',
    'GET /rooms/1',
    'POST /room {"user1":1,"user2":2}',
    'POST /rooms {"name":"Cats & Dogs"}',
    'POST /rooms/3/join',
    'GET /room/1%3A2/messages?before=1615480369.123456&size=20',
    'GET /room/0/messages?after=0',
    'GET /room/0/messages',
    'GET /room/0/preload',
    'GET /users?ids%5B%5D=1&ids%5B%5D=2',
    'GET /users/online',
    'POST /logout',
  ]);
});

test('after a login the token goes along, until the logout', async () => {
  const { url, asked } = await answering(200, '{"id":1,"username":"Ann","token":"secret"}');
  const api = new ChatApi({ baseUrl: url });
  expect(await api.login('Ann', 'password123')).toEqual({ id: 1, username: 'Ann', token: 'secret' });
  expect(api.token).toBe('secret');
  await api.logout();
  await api.me();
  expect(asked[0]!.body).toBe('{"username":"Ann","password":"password123"}');
  expect(asked.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer secret', undefined]);
});

test("users and who is online come as a list of the server's objects by id", async () => {
  const { url } = await answering(200, '{"2":{"id":2,"username":"Bob","online":true}}');
  const api = new ChatApi({ baseUrl: url });
  expect(await api.users([2])).toEqual([{ id: 2, username: 'Bob', online: true }]);
  expect(await api.online()).toEqual([{ id: 2, username: 'Bob', online: true }]);
});

test("the server's errors keep their code, status and delay", async () => {
  const { url } = await answering(429, '{"code":"rate_limited","message":"slow down","retryAfterMs":900}');
  await expect(new ChatApi({ baseUrl: url }).me()).rejects.toMatchObject({
    name: 'ChatError',
    code: 'rate_limited',
    message: 'slow down',
    status: 429,
    retryAfterMs: 900,
  });
});

test('an error page of a gateway is unavailable', async () => {
  const { url } = await answering(503, '<html>503</html>');
  await expect(new ChatApi({ baseUrl: url }).me()).rejects.toMatchObject({
    code: 'unavailable',
    status: 503,
  });
});

test('no server is a network error, no answer a timeout', async () => {
  const { server, url } = await answering(200, '{}');
  server.removeAllListeners('request');
  await expect(new ChatApi({ baseUrl: url, timeoutMs: 50 }).me()).rejects.toMatchObject({ code: 'timeout' });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(new ChatApi({ baseUrl: url }).me()).rejects.toMatchObject({ code: 'network' });
});
