/**
 * Which client is in which of many rooms, so that every VU knows it without asking: seats are dealt out in turn, and
 * each client takes the next `perClient` of them, which are no more than there are rooms.
 */
export class Membership {
  readonly #rooms: number;
  readonly #perClient: number;
  readonly #seats: number;

  constructor({ clients, rooms, perClient }: { clients: number; rooms: number; perClient: number }) {
    this.#rooms = rooms;
    this.#perClient = perClient;
    this.#seats = clients * perClient;
  }

  /** Indexes of the client's rooms, all different. */
  roomsOf(client: number): number[] {
    return Array.from({ length: this.#perClient }, (_, k) => (client * this.#perClient + k) % this.#rooms);
  }

  /** How many clients are in a room. */
  membersOf(room: number): number {
    return Math.floor((this.#seats - 1 - room) / this.#rooms) + 1;
  }
}
