import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHANNEL, type RoomId } from '@chat/protocol';
import { Appender, draft, keys, Rooms } from '@chat/store';
import { createAccount } from '../../harness/accounts.ts';
import { randomCid } from '../../harness/chat-socket.ts';
import type { Command } from './commands.ts';
import { dateOf, garbageOf, isTutorial, memberOf } from './foreign.ts';
import { faultsOf } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { ClientMember, type Member, SocketMember, StreamMember } from './member.ts';
import type { World } from './world.ts';

const SESSION_SECONDS = 30 * 86_400;
/** Large enough for a replica to cut its clients as slow ones when it sends all that was missed at once. */
const MUCH = { count: 3000, text: 'x'.repeat(3000) };
/** Seconds by which a replica may take Redis' clock to be ahead. */
const CLOCK_SLACK = 60;
/** A member is shown everything within this time, unless it never is. Generous: the machine may be busy. */
const PATIENCE_MS = 8000;

type Members = readonly [SocketMember, ClientMember, StreamMember];
/** Two named rooms, and the private one of the first two members. */
type RoomIds = readonly [RoomId, RoomId, RoomId];
type Of<T extends Command['type']> = Extract<Command, { type: T }>;

/** One scenario in rooms of its own: carries it out, and says which promises were broken. */
export class Run {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #members: Members;
  readonly #rooms: RoomIds;
  readonly #peer: Appender;
  /** Sends whose acknowledgements are not waited for yet. */
  #pending: Promise<void>[] = [];
  readonly #faults: string[] = [];
  /** Where each member is. */
  readonly #at = new Map<Member, number>();
  #offset = 0;
  /** The last message that the first member sent. */
  #said: { roomId: RoomId; text: string; cid: string; date: number; offset: number } | undefined;
  #texts = 0;

  private constructor(world: World, members: Members, rooms: RoomIds) {
    this.#world = world;
    this.#members = members;
    this.#rooms = rooms;
    this.#ledger = new Ledger(rooms);
    this.#peer = new Appender(world.foreign, { serverId: `peer-${randomUUID()}`, keep: world.roomLimit });
  }

  static async start(world: World): Promise<Run> {
    const { foreign } = world;
    const accounts = [];
    for (let n = 0; n < 3; n++) {
      const account = await createAccount(foreign);
      // Redis' clock may go hours ahead.
      await foreign.expire(keys.session(account.session), SESSION_SECONDS);
      accounts.push(account);
    }
    const [ann, ben, cid] = accounts as [(typeof accounts)[0], (typeof accounts)[0], (typeof accounts)[0]];
    const store = new Rooms(foreign);
    const named = [await store.createNamed('one', ann.id), await store.createNamed('two', ann.id)];
    for (const { id } of named) for (const user of [ben, cid]) await store.join(user.id, id);
    const secret = await store.createPrivate(ann.id, ben.id);
    const rooms = [named[0]!.id, named[1]!.id, secret!.id] as const;
    const members = [
      new SocketMember(ann, (told) => run.#greeted(told)),
      new ClientMember(ben),
      new StreamMember(cid),
    ] as const;
    const run = new Run(world, members, rooms);
    return run;
  }

  /** @returns which promises were broken */
  async play(before: readonly Command[], commands: readonly Command[]): Promise<string[]> {
    try {
      for (const command of before) await this.#carryOut(command);
      await Promise.all(this.#members.map((member, index) => this.#enter(member, index % 2)));
      this.#ledger.open();
      // A stream has a place to come back to from its first message on.
      await this.#append(this.#rooms[0], 1);
      await this.#shown();
      for (const command of commands) await this.#carryOut(command);
      await this.#settle();
      return [...this.#faults, ...(await faultsOf(this.#world, this.#ledger, this.#members))];
    } catch (error) {
      return [...this.#faults, `failed: ${(error as Error).stack}`];
    } finally {
      await this.#cleanUp();
    }
  }

  async #carryOut(command: Command): Promise<void> {
    switch (command.type) {
      case 'say':
        return this.#say(command);
      case 'peer':
        return this.#append(this.#rooms[command.room]!, command.count);
      case 'leave':
        return this.#leave(this.#members[command.member]!);
      case 'enter':
        return this.#enter(this.#members[command.member]!, command.replica);
      case 'disturb':
        return this.#disturb(command);
      case 'heal':
        return this.#world.sites[command.replica]!.heal();
      case 'restart':
        return this.#restart(command);
      case 'plant':
        return this.#plant(command);
      case 'garbage':
        return this.#litter(command);
      case 'shuffled':
        return this.#shuffle(command);
      case 'repeated':
        return this.#repeat(command);
      case 'retry':
        return this.#retry();
      case 'silent':
        return this.#silent(this.#rooms[command.room]!);
      case 'wrong type':
        return this.#wrongType(command);
      case 'clock':
        return this.#stepClock(command.offset);
      case 'wait':
        await sleep(command.ms);
        return;
      case 'much':
        return this.#missMuch();
    }
  }

  #text(kind: string): string {
    return `${kind}${++this.#texts}`;
  }

  async #say({ talker, room, waits }: Of<'say'>): Promise<void> {
    const member = this.#members[talker as 0 | 1];
    if (!member.here) return;
    const roomId = this.#rooms[room]!;
    const text = this.#text(talker === 0 ? 'a' : 'b');
    const cid = randomCid();
    const said = member.say(roomId, text, cid).then(async (date) => {
      this.#ledger.acknowledged({ roomId, text, date, sender: waits ? member.account.id : undefined });
      if (member === this.#members[0]) this.#said = { roomId, text, cid, date, offset: this.#offset };
      if (waits && !(await this.#isStored(roomId, date, text)))
        this.#faults.push(`${text} was acknowledged and is not stored`);
    });
    if (waits) await said;
    else this.#pending.push(said);
  }

  /** Another server of this cluster. */
  async #append(roomId: RoomId, count: number, body = ''): Promise<void> {
    const from = this.#members[0].account.id;
    const texts = Array.from({ length: count }, () => this.#text('c') + body);
    for (let start = 0; start < count; start += 256) {
      const some = texts.slice(start, start + 256);
      const drafts = some.map((text) => draft(from, roomId, text, randomCid(), false));
      const appended = await this.#peer.append(roomId, drafts);
      for (const [index, text] of some.entries())
        this.#ledger.acknowledged({ roomId, text, date: Number(appended[index]!.date), sender: undefined });
    }
  }

  async #disturb({ replica, how }: Of<'disturb'>): Promise<void> {
    await this.#foreignShown();
    this.#world.sites[replica]!.disturb(how);
  }

  async #enter(member: Member, replica: number): Promise<void> {
    if (member.here) return;
    await member.enter(this.#world.sites[replica]!.url);
    this.#at.set(member, replica);
  }

  async #leave(member: Member): Promise<void> {
    if (!member.here) return;
    await this.#acknowledged();
    await this.#foreignShown();
    await member.leave();
  }

  async #restart({ replica }: Of<'restart'>): Promise<void> {
    for (const member of this.#members) if (this.#at.get(member) === replica) await this.#leave(member);
    await this.#world.sites[replica]!.restart();
  }

  async #plant({ room, date: kind, layout, how, copies }: Of<'plant'>): Promise<void> {
    const roomId = this.#rooms[room]!;
    for (let copy = 0; copy < copies; copy++) {
      const [now, last] = [await this.#world.now(), await this.#last(roomId)];
      // (roomId, date) names a message of this cluster: no server takes the date of another one.
      const clash = !isTutorial(layout) && (kind === 'same' || kind === 'next');
      const date = dateOf(clash ? 'now' : kind, now, last);
      const text = this.#text('f');
      const from = this.#members[copy % 3]!.account.id;
      const member = memberOf({ layout, from, date, text, roomId, last });
      if (how !== 'published') await this.#store(roomId, date, member);
      if (how === 'stored') continue;
      await this.#publish(member);
      if (!isTutorial(layout)) continue;
      this.#expectForeign(roomId, text);
      if (how === 'both' && date <= now && last <= now && date > now - 1) this.#expectMissed(roomId, text);
    }
  }

  async #litter({ room, date: kind, kind: garbage, copies }: Of<'garbage'>): Promise<void> {
    const roomId = this.#rooms[room]!;
    for (let copy = 0; copy < copies; copy++) {
      const date = dateOf(kind, await this.#world.now(), await this.#last(roomId));
      await this.#store(roomId, date, garbageOf(garbage, roomId, this.#text('g')));
    }
  }

  /** A message of the tutorial's date that is stored alone, and one that is published as well right after it. */
  async #silent(roomId: RoomId): Promise<void> {
    const [now, last] = [await this.#world.now(), await this.#last(roomId)];
    const date = Math.floor(now);
    const from = this.#members[1].account.id;
    for (const publishes of [false, true]) {
      const text = this.#text('s');
      const member = memberOf({ layout: 'tutorial', from, date, text, roomId, last });
      await this.#store(roomId, date, member);
      if (publishes) await this.#publish(member);
      if (last <= now && !this.#ledger.isCrowded(roomId)) this.#expectForeign(roomId, text);
    }
  }

  /** Sound messages of another server of this cluster, whose relays come in the wrong order. */
  async #shuffle({ room, count }: Of<'shuffled'>): Promise<void> {
    await this.#acknowledged();
    const roomId = this.#rooms[room]!;
    let last = await this.#last(roomId);
    const members: string[] = [];
    for (let n = 0; n < count; n++) {
      const date = Number(Math.max(await this.#world.now(), last + 0.000001).toFixed(6));
      const text = this.#text('c');
      const member = memberOf({
        layout: 'chained',
        from: this.#members[0].account.id,
        date,
        text,
        roomId,
        last,
      });
      await this.#store(roomId, date, member);
      this.#ledger.acknowledged({ roomId, text, date, sender: undefined });
      members.push(member);
      last = date;
    }
    for (const member of members.reverse()) await this.#publish(member);
  }

  /** What was published long ago comes again, as after a foreign server took it for its own. */
  async #repeat({ nth }: Of<'repeated'>): Promise<void> {
    const { entries } = this.#ledger;
    const entry = entries[entries.length - 1 - (nth % Math.max(1, entries.length))];
    if (!entry) return;
    const member = await this.#memberOf(entry.roomId, entry.date, entry.text);
    if (member) await this.#publish(member);
  }

  async #retry(): Promise<void> {
    await this.#acknowledged();
    const said = this.#said;
    const [member] = this.#members;
    // Within the five minutes that are looked back on.
    if (!said || !member.here || said.offset !== this.#offset) return;
    const date = await member.sayAgain(said.roomId, said.text, said.cid);
    if (date !== said.date) this.#faults.push(`${said.text} was stored again by its retry`);
  }

  async #wrongType({ key }: Of<'wrong type'>): Promise<void> {
    const { foreign } = this.#world;
    const [{ account }] = this.#members;
    const other = 900_000 + Number(this.#rooms[0]);
    if (key === 'user') {
      await foreign.set(keys.user(other), 'no hash');
      await foreign.sadd(keys.userRooms(account.id), `${account.id}:${other}`);
    } else if (key === 'room') {
      await foreign.set(keys.room(`${other}`), 'no sorted set');
      await foreign.rpush(keys.roomName(`${other}`), 'no string');
      await foreign.sadd(keys.userRooms(account.id), `${other}`);
    } else await foreign.sadd(keys.userRooms(account.id), '', 'x', '1:1', '../0', '01');
  }

  async #stepClock(offset: number): Promise<void> {
    if (!this.#world.stepsClock) return;
    await this.#acknowledged();
    await this.#foreignShown();
    if (Math.abs(offset - this.#offset) >= 3600) this.#ledger.forked = true;
    this.#offset = offset;
    this.#world.stepClock(offset);
  }

  /** Both replicas miss more than they may send at once. */
  async #missMuch(): Promise<void> {
    const { sites } = this.#world;
    await this.#foreignShown();
    for (const site of sites) site.disturb('block');
    await this.#append(this.#rooms[0], MUCH.count, MUCH.text);
    for (const site of sites) await site.heal();
  }

  async #settle(): Promise<void> {
    for (const site of this.#world.sites) await site.heal();
    await this.#acknowledged();
    for (const [index, member] of this.#members.entries()) await this.#enter(member, (index + 1) % 2);
    await this.#shown();
    // What was stored and not published shows with the next message.
    for (const roomId of this.#rooms) await this.#append(roomId, 1);
    await this.#shown();
    for (const member of this.#members) member.look();
  }

  /** Resolves when each member has everything, or after a while. */
  async #shown(): Promise<void> {
    await this.#patiently(async () => {
      await this.#ledger.fillGaps(this.#world, this.#members);
      return this.#ledger.missing(this.#members).length === 0;
    });
  }

  /** What a foreign server wrote is on its way no more, which nobody would bring again. */
  async #foreignShown(): Promise<void> {
    await this.#patiently(() => this.#ledger.missingForeign(this.#members).length === 0);
  }

  async #patiently(isDone: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await isDone()) && Date.now() < deadline) await sleep(20);
  }

  /** A foreign message is shown to all who are here and whose replica misses nothing. */
  #expectForeign(roomId: RoomId, text: string): void {
    for (const member of this.#members) {
      const site = this.#world.sites[this.#at.get(member) ?? 0]!;
      if (member.here && !site.disturbed) this.#ledger.expect(member, roomId, text);
    }
  }

  /** One of this second is resumed by who is away. */
  #expectMissed(roomId: RoomId, text: string): void {
    if (this.#ledger.isCrowded(roomId)) return;
    for (const member of this.#members)
      if (!member.here && this.#at.has(member)) this.#ledger.expect(member, roomId, text);
  }

  async #greeted(told: readonly { id: RoomId; last: number }[]): Promise<void> {
    if (this.#ledger.forked) return;
    for (const { id, last } of told) {
      if (!this.#rooms.includes(id)) continue;
      const bound = Math.max(await this.#last(id), (await this.#world.now()) + CLOCK_SLACK);
      if (last > bound) this.#faults.push(`hello says that a room ends at ${last}, which is after ${bound}`);
    }
  }

  /** The last date that an append would chain to. */
  async #last(roomId: RoomId): Promise<number> {
    const bound = (await this.#world.now()) + 3600;
    const [, score] = await this.#world.foreign.zrevrangebyscore(
      ...([keys.room(roomId), bound, '(0', 'WITHSCORES', 'LIMIT', 0, 1] as const),
    );
    return Number(score ?? 0);
  }

  #store(roomId: RoomId, date: number, member: string): Promise<unknown> {
    const score = Number.isFinite(date) ? String(date) : 'inf';
    return this.#world.foreign.zadd(keys.room(roomId), score, member);
  }

  #publish(member: string): Promise<unknown> {
    return this.#world.foreign.publish(CHANNEL, `{"serverId":4132,"type":"message","data":${member}}`);
  }

  async #memberOf(roomId: RoomId, date: number, text: string): Promise<string | undefined> {
    const members = await this.#world.foreign.zrangebyscore(keys.room(roomId), date, date);
    return members.find((member) => member.includes(`"message":"${text}"`));
  }

  async #isStored(roomId: RoomId, date: number, text: string): Promise<boolean> {
    return (await this.#memberOf(roomId, date, text)) !== undefined;
  }

  /** All acknowledgements are here. */
  async #acknowledged(): Promise<void> {
    await Promise.all(this.#pending.splice(0));
  }

  async #cleanUp(): Promise<void> {
    await Promise.allSettled(this.#members.map((member) => member.leave()));
    this.#world.stepClock(0);
    for (const site of this.#world.sites) {
      await site.heal();
      site.disturbed = false;
    }
    await this.#world.foreign.del(this.#rooms.map((id) => keys.room(id)));
  }
}
