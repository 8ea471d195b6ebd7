import type { Message, RoomId } from '@chat/protocol';

/** A message as a member was shown it. */
export interface Shown extends Message {
  /** The how many-eth connection of the member brought it. */
  connection: number;
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

  show(message: Message): void {
    this.shown.push({ ...message, connection: this.connection });
  }
}
