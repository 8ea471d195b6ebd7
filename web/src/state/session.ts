import { type ChatApi, ChatError } from '@chat/client';
import type { User } from '@chat/protocol';
import { signal } from '@preact/signals';

export type SessionState =
  | { kind: 'looking' }
  | { kind: 'unreachable' }
  /** `notice` says why one has to sign in again, `name` as whom. */
  | { kind: 'out'; notice?: string; name?: string }
  | { kind: 'in'; user: User };

const RETRY_MS = 3000;
const ENDED = 'Your session has ended: you signed out elsewhere, or it expired. Please sign in again.';

/** Who is signed in. The session itself is the cookie; tabs and frames of one browser tell each other of changes. */
export class Session {
  readonly state = signal<SessionState>({ kind: 'looking' });
  readonly #api: ChatApi;
  #leaving = false;
  readonly #others = new BroadcastChannel('chat.session');

  constructor(api: ChatApi) {
    this.#api = api;
    this.#others.onmessage = () => void this.restore();
  }

  /** Takes up the session that the browser's cookie holds, if it does. */
  async restore(): Promise<void> {
    const before = this.state.peek();
    try {
      const user = await this.#api.me();
      if (before.kind !== 'in' || before.user.id !== user.id) this.state.value = { kind: 'in', user };
    } catch (error) {
      if (error instanceof ChatError && error.status === 401) {
        if (before.kind === 'in') this.end();
        else if (before.kind !== 'out') this.state.value = { kind: 'out' };
        return;
      }
      if (before.kind === 'in' || before.kind === 'out') return;
      this.state.value = { kind: 'unreachable' };
      setTimeout(() => void this.restore(), RETRY_MS);
    }
  }

  /** @throws ChatError with the server's message. */
  async signIn(name: string, password: string): Promise<void> {
    const { id, username } = await this.#api.login(name, password);
    this.state.value = { kind: 'in', user: { id, username } };
    this.#others.postMessage('changed');
  }

  /** @throws ChatError when the server could not be told; then the session is still there. */
  async signOut(): Promise<void> {
    this.#leaving = true;
    try {
      await this.#api.logout();
      this.state.value = { kind: 'out' };
      this.#others.postMessage('changed');
    } finally {
      this.#leaving = false;
    }
  }

  /** The server takes the session no more. */
  end(): void {
    const before = this.state.peek();
    // Whoever signs out here sees the connection end as well, and knows why.
    if (before.kind !== 'in' || this.#leaving) return;
    this.state.value = { kind: 'out', notice: ENDED, name: before.user.username };
  }
}
