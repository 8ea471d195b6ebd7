import type { Message, RoomId } from '@chat/protocol';

/** A message as a member was shown it. */
export interface Shown extends Message {
  /** The how many-eth connection of the member brought it. */
  connection: number;
  /** The member had said that it has the room up to this date or beyond, when it connected. */
  had: boolean;
}

export interface ToldGap {
  roomId: RoomId;
  from: number;
  to: number;
}

/** All that one member was shown, over all its connections. */
export class View {
  readonly shown: Shown[] = [];
  readonly gaps: ToldGap[] = [];
  /** What it read from the history for the gaps that it was told, by text: texts are unique. */
  readonly filled = new Set<string>();
  connection = 0;
  /** Up to which dates the member said that it has its rooms, when it connected. */
  positions: ReadonlyMap<RoomId, number> = new Map();

  show(message: Message): void {
    const had = message.date <= (this.positions.get(message.roomId) ?? 0);
    this.shown.push({ ...message, connection: this.connection, had });
  }
}
