import { ChatApi } from '@chat/client';
import type { RoomId, UserId } from '@chat/protocol';
import { effect, signal, untracked } from '@preact/signals';
import { apiBase, parseConfig, pinnedReplica, socketUrls } from '../model/addresses.ts';
import { hashOfRoom, roomOfHash } from '../model/route.ts';
import { Chat } from './chat.ts';
import { Session } from './session.ts';

/** The page as a whole: the session, the chat of the user who is signed in, and the address. */
export class App {
  readonly api: ChatApi;
  readonly session: Session;
  readonly chat = signal<Chat | undefined>(undefined);
  /** The replica that the page is pinned to, by its address. */
  readonly replica = pinnedReplica(location.pathname);
  /** True in a frame, as /replicas shows them: it must not take the focus. */
  readonly embedded = window.parent !== window;
  readonly #urls: string[];
  readonly #storage = storage('localStorage');
  readonly #drafts = storage('sessionStorage');

  constructor() {
    const config = parseConfig(document.querySelector<HTMLMetaElement>('meta[name="chat-config"]')?.content);
    this.#urls = socketUrls(config, location);
    this.api = new ChatApi({ baseUrl: apiBase(config, location) });
    this.session = new Session(this.api);
  }

  start(): void {
    effect(() => {
      const state = this.session.state.value;
      untracked(() => this.#setUser(state));
    });
    effect(() => {
      const unread = this.chat.value?.rooms.unread.value ?? 0;
      document.title = unread > 0 ? `(${unread}) Chat` : 'Chat';
    });
    window.addEventListener('hashchange', () => this.#follow());
    window.addEventListener('storage', () => this.chat.peek()?.readElsewhere());
    window.addEventListener('pagehide', () => this.chat.peek()?.reading.save());
    window.addEventListener('beforeunload', (event) => {
      if (this.chat.peek()?.sending.isBusy) event.preventDefault();
    });
    void this.session.restore();
  }

  /** Opens a room, and lets the address say so. */
  open(id: RoomId): void {
    if (roomOfHash(location.hash) === id) this.#follow();
    else location.hash = hashOfRoom(id);
  }

  /** @throws ChatError when the server could not be told. */
  async signOut(): Promise<void> {
    const chat = this.chat.peek();
    // A list that is read while the session ends is refused.
    chat?.people.close();
    await this.session.signOut();
    // The next user need not see what this one was writing, and where.
    chat?.drafts.clear();
    history.replaceState(null, '', location.pathname + location.search);
  }

  #setUser(state: Session['state']['value']): void {
    const before = this.chat.peek();
    if (state.kind === 'in' && before?.me.id === state.user.id) return;
    before?.close();
    if (state.kind !== 'in') {
      this.chat.value = undefined;
      return;
    }
    const chat = new Chat({
      me: state.user,
      api: this.api,
      urls: this.#urls,
      storage: this.#storage,
      drafts: this.#drafts,
      onEnd: () => this.session.end(),
    });
    const room = roomOfHash(location.hash) ?? this.#lastRoom(state.user.id);
    if (room !== undefined) {
      history.replaceState(null, '', hashOfRoom(room));
      chat.show(room);
    }
    this.chat.value = chat;
    chat.connect();
  }

  #follow(): void {
    const chat = this.chat.peek();
    const room = roomOfHash(location.hash);
    if (!chat || room === undefined) return;
    chat.show(room);
    try {
      this.#storage?.setItem(`chat.room.${chat.me.id}`, room);
    } catch {
      // Without it the page begins in General the next time.
    }
  }

  #lastRoom(user: UserId): RoomId | undefined {
    const id = this.#storage?.getItem(`chat.room.${user}`);
    return id ? roomOfHash(hashOfRoom(id)) : undefined;
  }
}

// Reading the property already throws where the browser forbids it.
function storage(kind: 'localStorage' | 'sessionStorage'): Storage | undefined {
  try {
    return window[kind];
  } catch {
    return undefined;
  }
}
