import type { UserId } from '@chat/protocol';
import type { Peer } from './peer.ts';
import type { Room } from './room.ts';
import type { Tokens } from './token-bucket.ts';

/** A user with a connection to this replica, shared by all of the user's tabs here. */
export class LocalUser implements Tokens {
  readonly id: UserId;
  readonly username: string;
  // Arrays of exactly their length, made anew at each change: there are tens of thousands of users, most have one tab
  // and few rooms, and an array that grew keeps 16 places free.
  peers: readonly Peer[] = [];
  rooms: readonly Room[] = [];
  /** For messages: see Tokens. */
  tokens = 0;
  tokensAt = 0;

  constructor(id: UserId, username: string) {
    this.id = id;
    this.username = username;
  }

  has(room: Room): boolean {
    return this.rooms.includes(room);
  }
}
