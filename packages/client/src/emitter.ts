type Handler<Data> = (data: Data) => void;

/** Events by name, each with one argument of a type of its own. */
export class Emitter<Events extends object> {
  readonly #handlers = new Map<keyof Events, Set<Handler<never>>>();

  /** Calls the handler at every such event until the function that is returned is called. */
  on<Name extends keyof Events>(name: Name, handler: Handler<Events[Name]>): () => void {
    // A wrapper of its own, so that a handler registered twice is called twice and taken off one by one.
    const entry: Handler<Events[Name]> = (data) => handler(data);
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers.add(entry));
    return () => handlers.delete(entry);
  }

  emit<Name extends keyof Events>(name: Name, data: Events[Name]): void {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) {
      try {
        (handler as Handler<Events[Name]>)(data);
      } catch (error) {
        // A handler's fault is the page's to see, but must not stop the frame that is being worked on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
