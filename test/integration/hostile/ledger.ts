import type { RoomId } from '@chat/protocol';
import type { Member } from './member.ts';
import type { World } from './world.ts';

/** A message of this cluster that was acknowledged. */
export interface Entry {
  roomId: RoomId;
  text: string;
  date: number;
  /** Who waited for its acknowledgement before sending the next one. */
  sender: number | undefined;
}

const CROWD = 200;

interface Missing {
  member: Member;
  roomId: RoomId;
  text: string;
  /** Of a message of this cluster. */
  date?: number;
}

/** What was acknowledged in a run, and what each member is to be shown. */
export class Ledger {
  readonly rooms: readonly RoomId[];
  readonly entries: Entry[] = [];
  /** Foreign messages that members are to be shown. */
  readonly foreign: { member: Member; roomId: RoomId; text: string }[] = [];
  /** Redis' clock went back or ahead by more than the chain of dates bears. */
  forked = false;
  #opened = 0;
  readonly #filled = new WeakMap<Member, number>();

  constructor(rooms: readonly RoomId[]) {
    this.rooms = rooms;
  }

  /** From now on all members are in the rooms. */
  open(): void {
    this.#opened = this.entries.length;
  }

  acknowledged(entry: Entry): void {
    this.entries.push(entry);
  }

  expect(member: Member, roomId: RoomId, text: string): void {
    if (isIn(member, roomId)) this.foreign.push({ member, roomId, text });
  }

  /** True for a room with more messages than are looked through for foreign ones of the last seconds. */
  isCrowded(roomId: RoomId): boolean {
    return this.entries.filter((entry) => entry.roomId === roomId).length > CROWD;
  }

  /** What members are to be shown: all that was acknowledged since they came. */
  required(member: Member): Entry[] {
    return this.entries.slice(this.#opened).filter(({ roomId }) => isIn(member, roomId));
  }

  /** What members were to be shown and were not. */
  missing(members: readonly Member[]): Missing[] {
    const missing = this.missingForeign(members);
    for (const member of members) {
      const has = textsOf(member);
      for (const { roomId, text, date } of this.required(member))
        if (!has.has(text)) missing.push({ member, roomId, text, date });
    }
    return missing;
  }

  missingForeign(members: readonly Member[]): Missing[] {
    return members.flatMap((member) => {
      const has = textsOf(member);
      return this.foreign.filter((expected) => expected.member === member && !has.has(expected.text));
    });
  }

  /** Reads the history where members were told of gaps. */
  async fillGaps(world: World, members: readonly Member[]): Promise<void> {
    for (const member of members) {
      member.look();
      const { gaps, filled } = member.view;
      for (let index = this.#filled.get(member) ?? 0; index < gaps.length; index++) {
        const { roomId, from, to } = gaps[index]!;
        for (const message of await world.history(member.account, roomId, from, to))
          filled.add(message.message);
        this.#filled.set(member, index + 1);
      }
    }
  }
}

function textsOf(member: Member): Set<string> {
  member.look();
  const texts = new Set(member.view.filled);
  for (const { message } of member.view.shown) texts.add(message);
  return texts;
}

export function isIn({ account }: Member, roomId: RoomId): boolean {
  return !roomId.includes(':') || roomId.split(':').includes(`${account.id}`);
}
