import { type Signal, signal } from '@preact/signals';
import type { Gap, Room } from '../model/room.ts';
import {
  frozenView,
  hasOlder,
  indexAfter,
  inView,
  newerView,
  olderView,
  tailView,
  VIEW,
  type View,
  viewAround,
} from '../model/view-window.ts';
import type { Chat } from '../state/chat.ts';
import { type Anchor, anchorOf, distanceToEnd, restore } from './scroll-anchor.ts';

/** So near (px) to an edge of what is in the page, more is put in. */
const NEAR = 600;
/** So near (px) to the end, one follows the newest message. */
const AT_END = 40;
/** So far (px) from the end, a button leads back to it. */
const FAR = 500;
/** A gap's marker so far (px) below the upper edge has a message above it in sight. */
const BELOW_TOP = 20;
/** So much (px) is seen above the first unread message. */
const ABOVE_UNREAD = 96;

/**
 * Which of a room's messages are in the page, and where the list is scrolled to. It stays at the newest message until
 * one scrolls back; from then on nothing that comes or goes moves what one reads.
 */
export class Scroller {
  readonly #view: Signal<View>;
  readonly #atEnd = signal(true);
  readonly #far = signal(false);
  readonly #chat: Chat;
  readonly #room: Room;
  #element: HTMLElement | undefined;
  #anchor: Anchor | undefined;
  #placed = false;
  /** The place of the first unread message is being read from the history, or was. */
  #seeking: 'not yet' | 'now' | 'done' = 'not yet';
  /** Above 0 while messages are put in between those that one reads: even at the end of the list, these stay. */
  #holds = 0;
  #outgoing = 0;
  /** The newest message when the end went out of sight. */
  #leftAt = 0;

  constructor(chat: Chat, room: Room) {
    this.#chat = chat;
    this.#room = room;
    this.#view = signal(tailView(room.messages));
  }

  get view(): View {
    return this.#view.value;
  }

  /** True when a way back to the newest message should be offered. */
  get isAway(): boolean {
    return !this.#atEnd.value && (this.#far.value || this.arrived > 0);
  }

  /** Messages that came while the end was out of sight. */
  get arrived(): number {
    if (this.#atEnd.value) return 0;
    const { messages } = this.#room;
    return messages.length - indexAfter(messages, this.#leftAt);
  }

  attach(element: HTMLElement): () => void {
    this.#element = element;
    // A keyboard that comes up, a longer draft, a font that is there at last: the end stays in sight.
    const observer = new ResizeObserver(() => {
      if (this.#placed && this.#atEnd.peek()) this.#scrollToEnd();
    });
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    document.addEventListener('visibilitychange', this.look);
    return () => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', this.look);
      this.#chat.reading.watch(false);
      // What is still on its way must not look here any more: a list that is not in the page has no size, as if it
      // stood at its end, and the room that is open now would be taken as read.
      this.#element = undefined;
    };
  }

  /** To be called before the list is changed. */
  remember(): void {
    this.#anchor = this.#element && this.#placed && !this.#atEnd.peek() ? anchorOf(this.#element) : undefined;
  }

  /** To be called after the list was changed. */
  settle(): void {
    if (!this.#element || !this.#room.loaded) return;
    const { length } = this.#room.outgoing;
    if (length > this.#outgoing) this.#follow();
    this.#outgoing = length;
    if (!this.#placed && !this.#place()) return;
    if (this.#atEnd.peek()) this.#scrollToEnd();
    else if (this.#anchor) restore(this.#element, this.#anchor);
    this.look();
  }

  /** Goes to the newest message. */
  readonly toEnd = (): void => {
    this.#follow();
    this.#scrollToEnd();
  };

  /** Gets the first of the messages that are missing in a gap; what one reads stays where it is. */
  readonly fill = async (gap: Gap): Promise<void> => {
    this.#holds++;
    this.#setAtEnd(false);
    await this.#chat.history.fill(this.#room, gap);
    // Drawn in a microtask from now.
    this.#chat.rooms.flush();
    setTimeout(() => {
      this.#holds--;
      this.look();
    });
  };

  /** Looks at what is in sight: at every scrolling, and whenever something changed. */
  readonly look = (): void => {
    const element = this.#element;
    if (!element || !this.#placed) return;
    const distance = distanceToEnd(element);
    const view = this.#view.peek();
    const following = view.end === Number.POSITIVE_INFINITY;
    this.#setAtEnd(following && distance <= AT_END && this.#holds === 0);
    this.#far.value = distance > FAR;
    this.#chat.reading.watch(this.#atEnd.peek() && !document.hidden, following ? undefined : view.end);
    this.#adjust(view, element.scrollTop, distance);
    this.#fillAhead(element);
  };

  #adjust(view: View, above: number, below: number): void {
    const { messages, complete, problem } = this.#room;
    const following = view.end === Number.POSITIVE_INFINITY;
    if (following && inView(messages, view).length > VIEW.most) {
      this.#view.value = this.#atEnd.peek() ? tailView(messages) : frozenView(messages, view);
    } else if (above < NEAR && hasOlder(messages, view)) this.#view.value = olderView(messages, view);
    else if (below < NEAR && !following) this.#view.value = newerView(messages, view);
    else if (above < NEAR && !complete && !problem) void this.#chat.history.older(this.#room);
  }

  /** Fills a gap among the unread messages before someone who reads on comes to it. */
  #fillAhead(element: HTMLElement): void {
    if (this.#holds > 0 || this.#room.problem) return;
    const read = this.#chat.reading.divider.peek();
    const gap = this.#room.gaps.find(({ from }) => read !== undefined && from >= read);
    const marker = gap && element.querySelector<HTMLElement>(`[data-gap="${gap.from}"]`);
    if (!marker) return;
    const below = marker.offsetTop - element.scrollTop;
    // Above the marker a message is in sight, which stays there: so the marker moves away.
    if (below > BELOW_TOP && below < element.clientHeight + NEAR) void this.fill(gap);
  }

  #setAtEnd(atEnd: boolean): void {
    if (this.#atEnd.peek() && !atEnd) this.#leftAt = this.#room.newest?.date ?? 0;
    this.#atEnd.value = atEnd;
  }

  #follow(): void {
    this.#view.value = tailView(this.#room.messages);
    this.#atEnd.value = true;
    this.#placed = true;
  }

  /** Finds the place to begin: the first unread message, else the end. False when other messages are needed first. */
  #place(): boolean {
    if (this.#seek()) return false;
    const { messages } = this.#room;
    const unread = this.#firstUnread();
    const begin = unread === undefined ? tailView(messages) : viewAround(messages, unread);
    const view = this.#view.peek();
    if (begin.start !== view.start || begin.end !== view.end) {
      this.#view.value = begin;
      return false;
    }
    this.#placed = true;
    const mark = this.#element!.querySelector<HTMLElement>('[data-unread]');
    if (mark) {
      this.#element!.scrollTop = mark.offsetTop - ABOVE_UNREAD;
      this.#setAtEnd(distanceToEnd(this.#element!) <= AT_END);
    }
    return true;
  }

  /** True while the first unread message is not known yet, and is being read. */
  #seek(): boolean {
    const { history, me, reading } = this.#chat;
    const read = reading.divider.peek();
    if (this.#seeking === 'not yet' && read !== undefined && this.#room.isUnreadFurtherBack(read, me.id)) {
      this.#seeking = 'now';
      void history.around(this.#room, read).then(() => {
        this.#seeking = 'done';
      });
    }
    return this.#seeking === 'now';
  }

  #firstUnread(): number | undefined {
    const divider = this.#chat.reading.divider.peek();
    return divider === undefined ? undefined : this.#room.firstUnread(divider, this.#chat.me.id);
  }

  #scrollToEnd(): void {
    if (this.#element) this.#element.scrollTop = this.#element.scrollHeight;
  }
}
