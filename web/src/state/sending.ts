import type { ChatClient } from '@chat/client';
import type { User } from '@chat/protocol';
import type { Outgoing, Room } from '../model/room.ts';
import type { Connection } from './connection.ts';
import type { Rooms } from './rooms.ts';

interface SendingParts {
  client: ChatClient;
  connection: Connection;
  rooms: Rooms;
  me: User;
}

/** Own messages on their way. The client sends them when it can; here is what one sees of it. */
export class Sending {
  readonly #parts: SendingParts;
  #count = 0;

  constructor(parts: SendingParts) {
    this.#parts = parts;
  }

  send(room: Room, text: string): void {
    this.#add(room, { key: `outgoing-${this.#count++}`, text, state: 'sending' });
  }

  retry(room: Room, { key, text }: Outgoing): void {
    this.discard(room, key);
    this.#add(room, { key, text, state: 'sending' });
  }

  discard(room: Room, key: string): void {
    room.outgoing = room.outgoing.filter((other) => other.key !== key);
    this.#parts.rooms.touch(room);
  }

  /** True while something waits to be sent: it would be lost with the page. */
  get isBusy(): boolean {
    return this.#parts.rooms.recent().some((room) => room.outgoing.some(({ state }) => state === 'sending'));
  }

  #add(room: Room, outgoing: Outgoing): void {
    room.outgoing = [...room.outgoing, outgoing];
    this.#parts.rooms.touch(room);
    void this.#deliver(room, outgoing);
  }

  async #deliver(room: Room, { key, text }: Outgoing): Promise<void> {
    const { client, connection, rooms, me } = this.#parts;
    const started = performance.now();
    const online = client.state === 'online';
    try {
      const { cid, date } = await client.send(room.id, text);
      if (online) connection.time(cid, started);
      room.outgoing = room.outgoing.filter((other) => other.key !== key);
      // It may have come back from the server before, or will still: then it is known again.
      room.add([{ from: me.id, date, message: text, roomId: room.id, cid }]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      room.outgoing = room.outgoing.map((other) =>
        other.key === key ? { ...other, state: 'failed', reason } : other,
      );
    }
    rooms.touch(room);
  }
}
