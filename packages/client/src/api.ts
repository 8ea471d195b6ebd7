import { ERRORS, type Message, type RoomId, type User, type UserId } from '@chat/protocol';
import { ChatError } from './errors.ts';
import type { RoomInfo } from './joins.ts';

export interface ChatApiOptions {
  /** Where auth and history answer, like `http://127.0.0.1:8080`; by default the page's own origin. */
  baseUrl?: string;
  /** The session's token, in Node; a browser uses its cookie. login() and register() set it outside of browsers. */
  token?: string;
  /** How long a request may take, in milliseconds; 10,000 by default. */
  timeoutMs?: number;
}

/** A user with a new session. */
export type LoggedIn = User & { token: string };

export type ListedUser = User & { online: boolean };

/** One of before, after and offset; `size` is at most 200, and 50 by default. */
export interface HistoryPage {
  /** Messages before this date (seconds), newest first. */
  before?: number;
  /** Messages after this date (seconds), oldest first. */
  after?: number;
  /** Newest first, leaving out so many; pages move as messages arrive. */
  offset?: number;
  size?: number;
}

/**
 * The calls to auth and history. Each rejects with a ChatError: the server's code and status, or `timeout`, or
 * `network`.
 */
export class ChatApi {
  readonly #baseUrl: string;
  readonly #timeoutMs: number;
  #token: string | undefined;

  constructor({ baseUrl = '', token, timeoutMs = 10_000 }: ChatApiOptions = {}) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.#token = token;
    this.#timeoutMs = timeoutMs;
  }

  /** The session's token outside of browsers, for ChatClient; in a browser the cookie does its work. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Logs in; a name that nobody has is registered, unless the server is set up otherwise. */
  login(username: string, password: string): Promise<LoggedIn> {
    return this.#enter('/login', username, password);
  }

  /** Makes a user, or rejects with name_taken. */
  register(username: string, password: string): Promise<LoggedIn> {
    return this.#enter('/register', username, password);
  }

  async logout(): Promise<void> {
    await this.#call('POST', '/logout');
    this.#token = undefined;
  }

  me(): Promise<User> {
    return this.#call('GET', '/me');
  }

  async randomName(): Promise<string> {
    const { name } = await this.#call<{ name: string }>('GET', '/randomname');
    return name;
  }

  /** The rooms of the user who is logged in; the server tells nobody those of others. */
  rooms(userId: UserId): Promise<RoomInfo[]> {
    return this.#call('GET', `/rooms/${userId}`);
  }

  createPrivateRoom(user1: UserId, user2: UserId): Promise<RoomInfo> {
    return this.#call('POST', '/room', { user1, user2 });
  }

  createRoom(name: string): Promise<RoomInfo> {
    return this.#call('POST', '/rooms', { name });
  }

  joinRoom(id: RoomId): Promise<RoomInfo> {
    return this.#call('POST', `/rooms/${encodeURIComponent(id)}/join`);
  }

  messages(roomId: RoomId, { before, after, offset, size }: HistoryPage = {}): Promise<Message[]> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ before, after, offset, size })) {
      if (value !== undefined) query.set(name, String(value));
    }
    return this.#call('GET', `/room/${encodeURIComponent(roomId)}/messages?${query}`);
  }

  /** General's name and newest messages. */
  preload(): Promise<{ id: RoomId; name: string; messages: Message[] }> {
    return this.#call('GET', '/room/0/preload');
  }

  /** Up to 200 users; those that do not exist are left out. */
  async users(ids: readonly UserId[]): Promise<ListedUser[]> {
    if (ids.length === 0) return [];
    const query = new URLSearchParams(ids.map((id) => ['ids[]', String(id)]));
    return Object.values(await this.#call<Record<string, ListedUser>>('GET', `/users?${query}`));
  }

  /** Who is online, at most 1000 of them. */
  async online(): Promise<ListedUser[]> {
    return Object.values(await this.#call<Record<string, ListedUser>>('GET', '/users/online'));
  }

  async #enter(path: string, username: string, password: string): Promise<LoggedIn> {
    const user = await this.#call<LoggedIn>('POST', path, { username, password });
    // A page has the cookie, which no script can read; its token stays out of reach as well.
    if (!('document' in globalThis)) this.#token = user.token;
    return user;
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (body) headers['Content-Type'] = 'application/json';
    if (this.#token !== undefined) headers.Authorization = `Bearer ${this.#token}`;
    const init = { method, headers, body: body && JSON.stringify(body), credentials: 'include' as const };
    let response: Response;
    let text: string;
    try {
      const signal = AbortSignal.timeout(this.#timeoutMs);
      response = await fetch(this.#baseUrl + path, { ...init, signal });
      text = await response.text();
    } catch (cause) {
      if ((cause as Error).name === 'TimeoutError') {
        throw new ChatError('timeout', `no answer within ${this.#timeoutMs} ms`, { cause });
      }
      throw new ChatError('network', 'the server cannot be reached', { cause });
    }
    if (!response.ok) throw errorOf(response, text);
    return (text === '' ? undefined : parse(text)) as T;
  }
}

function errorOf(response: Response, text: string): ChatError {
  const { code, message, retryAfterMs } = (parse(text) ?? {}) as Record<string, unknown>;
  const { status } = response;
  const details = { status, retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined };
  if (typeof code === 'string' && code in ERRORS) {
    return new ChatError(code as keyof typeof ERRORS, String(message ?? code), details);
  }
  // Not from a service but from what stands before it: a gateway whose backends are down, for example.
  return new ChatError(status >= 500 ? 'unavailable' : 'bad_request', `HTTP status ${status}`, details);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
