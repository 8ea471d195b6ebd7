import type { HttpResponse, RecognizedString } from 'uWebSockets.js';
import type { RoomId } from '@chat/protocol';
import type { Fanout, Listener } from './fanout.ts';
import { frameText } from './frames-out.ts';
import type { LocalUser } from './local-user.ts';
import { type Close, Peer } from './peer.ts';
import type { StreamCursor } from './stream-cursor.ts';

const TYPE_START = '{"type":"'.length;

/** A stream of server-sent events: what a socket receives, for clients without WebSocket and for curl. */
export class StreamPeer extends Peer implements Listener {
  readonly #response: HttpResponse;
  readonly #onEnded: (peer: StreamPeer) => void;
  readonly #fanout: Fanout;
  readonly #cursor: StreamCursor;
  readonly #maxBackpressure: number;
  readonly #topics = new Set<string>();
  #open = true;
  /** Bytes that the client did not take yet, as far as it is known. */
  #waiting = 0;

  constructor(
    user: LocalUser,
    session: string,
    parts: {
      response: HttpResponse;
      fanout: Fanout;
      cursor: StreamCursor;
      maxBackpressure: number;
      /** Told when the server ends the stream; the abort handler is not called then. */
      onEnded: (peer: StreamPeer) => void;
    },
  ) {
    super(user, session);
    this.#onEnded = parts.onEnded;
    this.#response = parts.response;
    this.#fanout = parts.fanout;
    this.#cursor = parts.cursor;
    this.#maxBackpressure = parts.maxBackpressure;
    this.#response.onWritable(() => {
      this.#waiting = 0;
      return true;
    });
  }

  get open(): boolean {
    return this.#open;
  }

  receive(frame: string): void {
    this.#response.cork(() => this.send(frame));
  }

  send(frame: RecognizedString): void {
    if (!this.#open) return;
    const text = frameText(frame as string | Uint8Array);
    const typeEnd = text.indexOf('"', TYPE_START);
    const type = text.slice(TYPE_START, typeEnd);
    // {"type":"…","data":…}: the data goes out as it is; JSON has no line breaks.
    const data = text.slice(typeEnd + '","data":'.length, -1);
    const id = type === 'message' ? `id: ${this.#cursor.advance(positionOf(data))}\n` : '';
    this.#write(`${id}event: ${type}\ndata: ${data}\n\n`);
  }

  cork(callback: () => void): void {
    if (this.#open) this.#response.cork(callback);
  }

  subscribe(topic: string): void {
    this.#topics.add(topic);
    this.#fanout.listen(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic);
    this.#fanout.unlisten(topic, this);
  }

  /** A comment that keeps proxies from closing an idle connection. */
  keepAlive(): void {
    if (this.#open) this.#response.cork(() => this.#write(':\n\n'));
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

  closed(): void {
    this.#open = false;
    for (const topic of this.#topics) this.#fanout.unlisten(topic, this);
    this.#topics.clear();
  }

  #write(text: string): void {
    if (!this.#response.write(text)) this.#waiting += text.length;
    if (this.#waiting <= this.#maxBackpressure) return;
    this.closed();
    // Runs the abort handler, which counts the stream out.
    this.#response.close();
  }
}

function positionOf(data: string): { roomId: RoomId; date: number } {
  const { roomId, date } = JSON.parse(data) as { roomId: RoomId; date: number };
  return { roomId, date };
}
