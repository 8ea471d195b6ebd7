import type { HttpResponse, RecognizedString } from 'uWebSockets.js';
import type { Message, RoomId, ServerFrame } from '@chat/protocol';
import type { Fanout, Listener } from './fanout.ts';
import { frameText } from './frames-out.ts';
import type { LocalUser } from './local-user.ts';
import { type Close, Peer } from './peer.ts';
import type { StreamCursor } from './stream-cursor.ts';

const TYPE_START = '{"type":"'.length;
/**
 * Characters of a batch after which a message has an id. With one in each, the ids of a resume would be several times
 * as much as its messages, and the client closed as a slow one again and again; with one at the end alone, a line that
 * breaks amid the batch would begin anew.
 */
const ID_EVERY = 16 * 1024;
/** Events that wait and are written in one go. */
const EVENTS_AT_ONCE = 16;
/** Says nothing to the client. */
const COMMENT = ':\n\n';

/** A stream of server-sent events: what a socket receives, for clients without WebSocket and for curl. */
export class StreamPeer extends Peer implements Listener {
  readonly #response: HttpResponse;
  readonly #onEnded: (peer: StreamPeer, error?: unknown) => void;
  readonly #fanout: Fanout;
  readonly #cursor: StreamCursor;
  readonly #lastOf: (roomId: RoomId) => number;
  readonly #maxBackpressure: number;
  readonly #topics = new Set<string>();
  #open = true;
  /** uWebSockets.js holds something that the client did not take yet. */
  #blocked = false;
  /** What is written once it took that, and its bytes. */
  #events: string[] = [];
  #waiting = 0;
  #inBatch = false;
  /** The last message of a batch, which is to have an id. */
  #held = '';
  /** Characters of messages since the last id. */
  #sinceId = 0;

  constructor(
    user: LocalUser,
    session: string,
    parts: {
      response: HttpResponse;
      fanout: Fanout;
      cursor: StreamCursor;
      /** The last date of a room's chain. */
      lastOf: (roomId: RoomId) => number;
      maxBackpressure: number;
      /** Told when the server ends the stream, and of the error if that is why; the abort handler may not be called. */
      onEnded: (peer: StreamPeer, error?: unknown) => void;
    },
  ) {
    super(user, session);
    this.#onEnded = parts.onEnded;
    this.#response = parts.response;
    this.#fanout = parts.fanout;
    this.#cursor = parts.cursor;
    this.#lastOf = parts.lastOf;
    this.#maxBackpressure = parts.maxBackpressure;
    this.#response.onWritable(() => {
      if (this.#open) this.#response.cork(() => this.#writeWaiting());
      return true;
    });
  }

  get open(): boolean {
    return this.#open;
  }

  receive(frame: string): void {
    if (this.#open) this.#response.cork(() => this.send(frame));
  }

  /** A frame could not be sent, and the client lacks it: it comes back by itself, with what it has. */
  failed(error: unknown): void {
    this.closed();
    try {
      this.#response.close();
    } catch {
      // It is gone: that may be what the error is about.
    }
    this.#onEnded(this, error);
  }

  send(frame: RecognizedString): void {
    if (!this.#open) return;
    const text = frameText(frame as string | Uint8Array);
    const typeEnd = text.indexOf('"', TYPE_START);
    const type = text.slice(TYPE_START, typeEnd);
    // {"type":"…","data":…}: the data goes out as it is; JSON has no line breaks.
    const data = text.slice(typeEnd + '","data":'.length, -1);
    const event = `event: ${type}\ndata: ${data}\n\n`;
    if (type === 'message') this.#sendMessage(event, data);
    else {
      this.#sendHeld(true);
      if (type === 'gap' || type === 'resumed') this.#reach(type, data);
      // A line that breaks before the first message must not be a new beginning.
      const named = type === 'hello' || type === 'resumed';
      this.#write(named ? `id: ${this.#cursor.id()}\n${event}` : event);
    }
  }

  cork(callback: () => void): void {
    if (!this.#open) return;
    this.#response.cork(() => {
      this.#inBatch = true;
      callback();
      this.#inBatch = false;
      this.#sendHeld(true);
    });
  }

  subscribe(topic: string): void {
    // Whoever is closed has left its topics, and does not leave them again.
    if (!this.#open) return;
    this.#topics.add(topic);
    this.#fanout.listen(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic);
    this.#fanout.unlisten(topic, this);
  }

  /** A comment that keeps proxies from closing an idle connection. */
  keepAlive(): void {
    if (this.#open) this.#response.cork(() => this.#write(COMMENT));
  }

  /** Tells the cause in an event, as there is no close code, and ends the stream. */
  end({ code, cause }: Close): void {
    if (!this.#open) return;
    this.#response.cork(() => {
      this.#write(`event: close\ndata: ${JSON.stringify({ code, reason: cause })}\n\n`);
      if (this.#open) this.#response.end();
    });
    this.closed();
    this.#onEnded(this);
  }

  get waiting(): number {
    return this.#waiting;
  }

  cut(): void {
    this.closed();
    // Runs the abort handler, which counts the stream out.
    this.#response.close();
  }

  closed(): void {
    this.#open = false;
    for (const topic of this.#topics) this.#fanout.unlisten(topic, this);
    this.#topics.clear();
  }

  #sendMessage(event: string, data: string): void {
    this.#sendHeld(this.#sinceId >= ID_EVERY && this.#cursor.fits);
    const message = JSON.parse(data) as Message;
    this.#cursor.move(message, this.#lastOf(message.roomId));
    this.#held = event;
    if (!this.#inBatch) this.#sendHeld(true);
  }

  #sendHeld(named: boolean): void {
    if (this.#held === '') return;
    const event = this.#held;
    this.#held = '';
    this.#sinceId = named ? 0 : this.#sinceId + event.length;
    this.#write(named ? `id: ${this.#cursor.id()}\n${event}` : event);
  }

  #reach(type: 'gap' | 'resumed', text: string): void {
    const data = JSON.parse(text);
    const { rooms } =
      type === 'resumed'
        ? (data as Extract<ServerFrame, { type: 'resumed' }>['data'])
        : { rooms: { [data.roomId]: data.to } };
    for (const [id, date] of Object.entries(rooms)) this.#cursor.reach(id, date);
  }

  #write(text: string): void {
    if (!this.#open) return;
    if (!this.#blocked) {
      this.#blocked = !this.#response.write(text);
      return;
    }
    this.#events.push(text);
    this.#waiting += Buffer.byteLength(text);
    if (this.#waiting > this.#maxBackpressure) this.cut();
  }

  /**
   * With a handler for it, uWebSockets.js writes what it holds with the next write alone, so an empty comment comes
   * first. What waits here follows in pieces, so that what it holds stays small.
   */
  #writeWaiting(): void {
    this.#blocked = !this.#response.write(COMMENT);
    while (!this.#blocked && this.#events.length > 0) {
      const piece = this.#events.splice(0, EVENTS_AT_ONCE).join('');
      this.#waiting -= Buffer.byteLength(piece);
      this.#blocked = !this.#response.write(piece);
    }
  }
}
