import { WebSocket } from 'k6/websockets';
import type { ServerFrame } from '../../packages/protocol/src/frames.ts';
import { request } from './api.ts';
import { config } from './config.ts';
import type { Plan } from './plan.ts';

type Check = (value: unknown, checks: Record<string, (value: unknown) => boolean>) => boolean;

const FRAME_MS = 10_000;

/** One look at everything that a client uses: each endpoint once, and the frames that the rest of the test does not. */
export async function runChecks(plan: Plan, check: Check): Promise<void> {
  checkHttp(plan, check);
  await checkFrames(plan, check);
  checkSessions(check);
}

function checkHttp({ owner, accounts, rooms }: Plan, check: Check): void {
  const { token } = owner;
  const room = rooms[0]!.id;
  const [first, second] = [accounts[0]!, accounts[1] ?? owner];
  const status = (expected: number[]) => (answer: unknown) =>
    expected.includes((answer as { status?: number } | undefined)?.status ?? 0);
  const get = (path: string, name = path) => request('GET', path, { token, name });
  check(get('/me'), { 'GET /me': status([200]) });
  check(get('/randomname'), { 'GET /randomname': status([200]) });
  check(get('/links'), { 'GET /links': status([200]) });
  check(get(`/rooms/${owner.id}`, '/rooms/{userId}'), { 'GET /rooms/{userId}': status([200]) });
  check(get(`/room/${room}/messages?size=5`, '/room/{id}/messages'), {
    'GET /room/{id}/messages': status([200]),
  });
  check(get('/room/0/preload'), { 'GET /room/0/preload': status([200]) });
  check(get('/users/online'), { 'GET /users/online': status([200]) });
  check(get(`/users?ids[]=${first.id}`, '/users'), { 'GET /users': status([200]) });
  const body = { user1: first.id, user2: second.id };
  check(request('POST', '/room', { token: first.token, body }), { 'POST /room': status([200, 201]) });
  check(get('/', '/'), { 'GET / is the page': status([200]) });
  check(request('GET', '/me'), { 'GET /me without a session is refused': status([401]) });
}

async function checkFrames({ urls, accounts, rooms }: Plan, check: Check): Promise<void> {
  const id = rooms[0]!.id;
  const socket = new FrameSocket(urls[0]!.replace('?resume=1', ''), accounts[0]!.token);
  const exchange = async (name: string, frame: object | undefined, expected: ServerFrame['type']) => {
    if (frame) socket.send(frame);
    check(await socket.next(expected), { [name]: (answer) => answer !== undefined });
  };
  await exchange('hello', undefined, 'hello');
  await exchange('ping brings pong', { type: 'ping', data: 1 }, 'pong');
  await exchange('room.join', { type: 'room.join', data: { roomId: id } }, 'room.joined');
  await exchange('typing', { type: 'typing', data: { roomId: id } }, 'typing');
  await exchange('room.leave', { type: 'room.leave', data: { roomId: id } }, 'room.left');
  await exchange('an unknown type brings an error', { type: 'no-such-type' }, 'error');
  await exchange('and the socket goes on', { type: 'ping', data: 2 }, 'pong');
  socket.close();
}

/** With a user of its own: logging out ends every socket of the session. */
function checkSessions(check: Check): void {
  const body = { username: `${config.userPrefix}-visitor`, password: config.password };
  const login = request('POST', '/login', { body });
  const token = login?.status === 200 ? (login.json() as { token: string }).token : '';
  check(token, { 'POST /login': (given) => given !== '' });
  const logout = request('POST', '/logout', { token });
  check(logout?.status, { 'POST /logout': (status) => status === 200 });
  const after = request('GET', '/me', { token });
  check(after?.status, { 'the session is over after logout': (status) => status === 401 });
}

/** A socket whose frames are waited for one after the other. */
class FrameSocket {
  readonly #socket: WebSocket;
  readonly #arrived: ServerFrame[] = [];
  readonly #opened: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(url: string, token: string) {
    this.#socket = new WebSocket(url, null, { headers: { Authorization: `Bearer ${token}` } });
    this.#opened = new Promise((resolve) => this.#socket.addEventListener('open', () => resolve()));
    this.#socket.addEventListener('message', (event) => {
      this.#arrived.push(JSON.parse((event as { data: unknown }).data as string) as ServerFrame);
      this.#wake();
    });
    this.#socket.addEventListener('error', () => this.#wake());
  }

  send(frame: object): void {
    void this.#opened.then(() => this.#socket.send(JSON.stringify(frame)));
  }

  /** The next frame of a type, those before it left out; undefined when none comes in time. */
  async next(type: ServerFrame['type']): Promise<ServerFrame | undefined> {
    const deadline = Date.now() + FRAME_MS;
    while (Date.now() < deadline) {
      const index = this.#arrived.findIndex((frame) => frame.type === type);
      if (index >= 0) return this.#arrived.splice(0, index + 1).at(-1);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return undefined;
  }

  close(): void {
    this.#socket.close();
  }
}
