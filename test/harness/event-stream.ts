interface StreamEvent {
  id: string | undefined;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: each type has its own data, and tests look at all of them
  data: any;
}

const PATIENCE_MS = 15_000;

/** Server-sent events for tests: as an EventSource without its reconnects. */
export class EventStream {
  readonly events: StreamEvent[] = [];
  readonly #abort = new AbortController();
  readonly #waiting = new Set<() => void>();

  static async open(url: string, headers: Record<string, string>): Promise<EventStream> {
    const stream = new EventStream();
    const response = await fetch(url, { headers, signal: stream.#abort.signal });
    if (!response.ok || !response.body) throw new Error(`${response.status}: ${await response.text()}`);
    // Ends with an abort, which is wanted.
    stream.#read(response.body).catch(() => undefined);
    return stream;
  }

  /** The first event of a type that fits, received already or still to come. */
  next(type: string, fits: (data: StreamEvent['data']) => boolean = () => true): Promise<StreamEvent> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const event = this.events.find((candidate) => candidate.type === type && fits(candidate.data));
        if (!event) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(event);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`no event ${type}; the last: ${JSON.stringify(this.events.slice(-5))}`));
      }, PATIENCE_MS);
      this.#waiting.add(look);
      look();
    });
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
      for (const look of [...this.#waiting]) look();
    }
  }

  #take(block: string): void {
    const fields = Object.fromEntries(
      block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    if (fields.data === undefined) return;
    this.events.push({ id: fields.id, type: fields.event ?? 'message', data: JSON.parse(fields.data) });
  }
}
