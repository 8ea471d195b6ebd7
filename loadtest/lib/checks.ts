import type { ServerFrame } from '../../packages/protocol/src/frames.ts';
import type { Message } from '../../packages/protocol/src/message.ts';
import { request } from './api.ts';
import { config } from './config.ts';
import { FrameSocket } from './frame-socket.ts';
import type { Plan } from './plan.ts';

type Check = (value: unknown, checks: Record<string, (value: unknown) => boolean>) => boolean;

/**
 * One look at what a client uses: each endpoint once, and the frames that the rest of the test does not send. Of event
 * streams only that they need a session: k6 reads no answer that does not end.
 */
export async function runChecks(plan: Plan, check: Check): Promise<void> {
  const answers = (name: string, expected: number[], { status }: { status: number }) =>
    check(status, { [name]: (given) => expected.includes(given as number) });
  checkReading(plan, answers);
  checkHistory(plan, check);
  await checkFrames(plan, check);
  checkSessions(plan, check, answers);
}

type Answers = (name: string, statuses: number[], answer: { status: number }) => boolean;

function checkReading({ owner, accounts }: Plan, answers: Answers): void {
  const { token } = owner;
  const [first, second] = [accounts[0]!, accounts[1] ?? owner];
  const get = (path: string, name = path) => request('GET', path, { token, name });
  answers('GET /me', [200], get('/me'));
  answers('GET /randomname', [200], get('/randomname'));
  answers('GET /links', [200], get('/links'));
  answers('GET /rooms/{userId}', [200], get(`/rooms/${owner.id}`, '/rooms/{userId}'));
  answers('GET /room/0/preload', [200], get('/room/0/preload'));
  answers('GET /users/online', [200], get('/users/online'));
  answers('GET /users', [200], get(`/users?ids[]=${first.id}`, '/users'));
  const body = { user1: first.id, user2: second.id };
  answers('POST /room', [200, 201], request('POST', '/room', { token: first.token, body }));
  // Each that succeeded would leave one more room behind. The first run of all makes those that it needs.
  answers('POST /rooms needs a name', [400], request('POST', '/rooms', { token, body: { name: '' } }));
  answers('GET / is the page', [200], get('/'));
  answers('GET /me without a session is refused', [401], request('GET', '/me'));
  answers('GET /stream without a session is refused', [401], request('GET', '/stream'));
}

/** Pages by number and by date. They hold what the dates say. */
function checkHistory({ owner, rooms }: Plan, check: Check): void {
  const page = (query: string): Message[] | undefined => {
    const path = `/room/${rooms[0]!.id}/messages?${query}`;
    const answer = request('GET', path, { token: owner.token, name: '/room/{id}/messages' });
    return answer.status === 200 ? (answer.json() as unknown as Message[]) : undefined;
  };
  check(page('size=5&offset=0'), { 'GET /room/{id}/messages': (messages) => messages !== undefined });
  const newest = page('size=1')?.[0]?.date ?? 0;
  check(page(`size=5&before=${newest + 1}`), {
    'GET /room/{id}/messages?before': (messages) => all(messages, ({ date }) => date <= newest + 1),
  });
  check(page(`size=5&after=${newest}`), {
    'GET /room/{id}/messages?after': (messages) => all(messages, ({ date }) => date > newest),
  });
}

function all(messages: unknown, holds: (message: Message) => boolean): boolean {
  return messages !== undefined && (messages as Message[]).every(holds);
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

/** With a user of its own, whom no client of the run is: this ends its sessions. */
function checkSessions({ rooms }: Plan, check: Check, answers: Answers): void {
  const { password, userPrefix } = config;
  const body = { username: `${userPrefix}-visitor`, password };
  const logIn = (): string => {
    const answer = request('POST', '/login', { body });
    check(answer.status, { 'POST /login': (status) => status === 200 });
    return answer.status === 200 ? (answer.json() as { token: string }).token : '';
  };
  const isOver = (name: string, token: string) => answers(name, [401], request('GET', '/me', { token }));

  answers('POST /register, once for each name', [201, 409], request('POST', '/register', { body }));
  const first = logIn();
  const second = logIn();
  const room = `/rooms/${rooms[0]!.id}/join`;
  answers('POST /rooms/{id}/join', [200], request('POST', room, { token: first, name: '/rooms/{id}/join' }));
  const change = { old: password, new: password };
  answers('POST /password', [200], request('POST', '/password', { token: first, body: change }));
  isOver('the other session is over after a new password', second);
  answers('POST /logout', [200], request('POST', '/logout', { token: first }));
  isOver('the session is over after logout', first);
  const third = logIn();
  answers('DELETE /sessions', [200], request('DELETE', '/sessions', { token: third }));
  isOver('all sessions are over after DELETE /sessions', third);
}
