import type { RecognizedString, TemplatedApp } from 'uWebSockets.js';
import type { RealtimeMetrics } from './metrics.ts';

/** A subscriber that uWebSockets.js has no topics for: an event stream. */
export interface Listener {
  receive(frame: string): void;
  /** Told what {@link Listener.receive} threw: the listener ends itself. */
  failed(error: unknown): void;
}

/**
 * Hands frames to all subscribers of a topic: to WebSockets through the topic tree of uWebSockets.js, which joins
 * what one turn of the event loop publishes to a socket into one system call, and to event streams one by one.
 */
export class Fanout {
  readonly #apps: readonly TemplatedApp[];
  readonly #metrics: RealtimeMetrics;
  readonly #onPublished: (bytes: number) => void;
  readonly #listeners = new Map<string, Set<Listener>>();
  #due: (() => void)[] = [];

  /**
   * @param apps all that have sockets: a topic reaches into each of them
   * @param onPublished told the bytes of a frame times the number of its receivers
   */
  constructor(
    apps: readonly TemplatedApp[],
    metrics: RealtimeMetrics,
    onPublished: (bytes: number) => void = () => undefined,
  ) {
    this.#apps = apps;
    this.#metrics = metrics;
    this.#onPublished = onPublished;
  }

  /** @returns how many sockets it is sent to, event streams left out */
  publish(topic: string, frame: RecognizedString): number {
    if (this.#due.length > 0) this.#runDue();
    let sockets = 0;
    for (const app of this.#apps) {
      const subscribers = app.numSubscribers(topic);
      if (subscribers === 0) continue;
      sockets += subscribers;
      app.publish(topic, frame);
    }
    const receivers = sockets + (this.#listeners.get(topic)?.size ?? 0);
    if (receivers === 0) return 0;
    this.#metrics.delivered += receivers;
    this.#onPublished(receivers * Buffer.byteLength(frame as string | NodeJS.ArrayBufferView));
    if (this.#listeners.size > 0) this.#publishToListeners(topic, frame);
    return sockets;
  }

  /**
   * Calls back before the next frame is published, and soon in any case. For what must not happen while the topic tree
   * hands out frames: leaving topics changes the tree.
   */
  beforeNext(callback: () => void): void {
    if (this.#due.push(callback) === 1) setImmediate(() => this.#runDue());
  }

  listen(topic: string, listener: Listener): void {
    const listeners = this.#listeners.get(topic);
    if (listeners) listeners.add(listener);
    else this.#listeners.set(topic, new Set([listener]));
  }

  unlisten(topic: string, listener: Listener): void {
    const listeners = this.#listeners.get(topic);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(topic);
  }

  #runDue(): void {
    for (const callback of this.#due.splice(0)) callback();
  }

  #publishToListeners(topic: string, frame: RecognizedString): void {
    const listeners = this.#listeners.get(topic);
    if (!listeners) return;
    const text = typeof frame === 'string' ? frame : Buffer.from(frame as Uint8Array).toString();
    for (const listener of listeners) {
      try {
        listener.receive(text);
      } catch (error) {
        // Whoever publishes is not to end because of one of those who listen, nor are the others to miss anything.
        listener.failed(error);
      }
    }
  }
}
