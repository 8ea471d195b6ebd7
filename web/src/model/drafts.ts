import type { RoomId, UserId } from '@chat/protocol';

/** The part of sessionStorage that is used. */
export type DraftStorage = Pick<globalThis.Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** What a user has begun to write, by room. It survives a reload of the tab, and ends with the sign-out. */
export class Drafts {
  readonly #key: string;
  readonly #storage: DraftStorage | undefined;
  readonly #texts: Map<RoomId, string>;

  constructor(user: UserId, storage: DraftStorage | undefined) {
    this.#key = `chat.drafts.${user}`;
    this.#storage = storage;
    this.#texts = new Map(this.#stored());
  }

  get(room: RoomId): string {
    return this.#texts.get(room) ?? '';
  }

  /** An empty text is no draft. */
  set(room: RoomId, text: string): void {
    if (text === '') this.#texts.delete(room);
    else this.#texts.set(room, text);
    try {
      this.#storage?.setItem(this.#key, JSON.stringify([...this.#texts]));
    } catch {
      // A full or forbidden storage costs the drafts after a reload, nothing else.
    }
  }

  clear(): void {
    this.#texts.clear();
    this.#storage?.removeItem(this.#key);
  }

  #stored(): [RoomId, string][] {
    try {
      const value: unknown = JSON.parse(this.#storage?.getItem(this.#key) ?? '[]');
      return Array.isArray(value) ? value.filter(isDraft) : [];
    } catch {
      return [];
    }
  }
}

function isDraft(value: unknown): value is [RoomId, string] {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'string';
}
