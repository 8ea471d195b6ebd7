import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS, type RoomId } from '@chat/protocol';
import type { Place, Reading, ReadLimits, Rooms, Timeline } from '@chat/store';
import type { RealtimeMetrics } from './metrics.ts';
import { Room, type RoomOptions } from './room.ts';
import type { UsernameCache } from './username-cache.ts';

/** Rooms that are repaired in one round trip: first many, which mostly miss little, then those that miss more. */
const TRIPS = [500, 8, 1];
/** How long the repair of rooms rests after LIMITS.resumeBytes, in milliseconds: a client that reads 10 MB/s keeps up. */
const REST_MS = 50;
/** How long a room without members is kept, in milliseconds: its users may be reconnecting. */
const LINGER_MS = 30_000;

interface Dependencies {
  rooms: Rooms;
  timeline: Timeline;
  usernames: UsernameCache;
  metrics: RealtimeMetrics;
  roomOptions: Omit<RoomOptions, 'onMissing'>;
  /** Told when a room could not be read: once Redis is back, call {@link RoomRegistry.repairAll}. */
  onRepairFailed: (error: unknown) => void;
}

/** The rooms that someone on this replica is in. */
export class RoomRegistry {
  readonly #dependencies: Dependencies;
  readonly #rooms = new Map<RoomId, Room>();
  readonly #opening = new Map<RoomId, Promise<void>>();
  readonly #repairing = new Set<Room>();
  /** Rooms that were asked to be repaired while they were: what is missing may be newer than what is being read. */
  readonly #again = new Set<Room>();

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  get size(): number {
    return this.#rooms.size;
  }

  find(id: RoomId): Room | undefined {
    return this.#rooms.get(id);
  }

  /**
   * The rooms of these ids, opened: their last date and their title are known. Those that are not open yet are read
   * together. A caller that keeps a room must count itself in `members` soon: a room without members is kept for a while only.
   */
  async open(ids: readonly RoomId[]): Promise<Room[]> {
    this.#startReading(ids.filter((id) => !this.#rooms.get(id)?.opened && !this.#opening.has(id)));
    const waits = new Set(ids.map((id) => this.#opening.get(id)).filter((wait) => wait !== undefined));
    if (waits.size > 0) await Promise.all(waits);
    // Whoever asked may still have to look at something else before it counts itself in.
    const now = performance.now();
    for (const id of ids) {
      const room = this.#rooms.get(id);
      if (room?.members === 0) room.emptySince = now;
    }
    // A room that failed to open, or was empty for long, may be gone meanwhile.
    return ids.some((id) => !this.#rooms.get(id)?.opened)
      ? this.open(ids)
      : ids.map((id) => this.#rooms.get(id)!);
  }

  /** A room that someone live gets at this moment: what arrives while it is read is delivered, whatever is stored. */
  openLive(id: RoomId): { room: Room; opened: Promise<Room[]> } {
    const opened = this.open([id]);
    const room = this.#rooms.get(id)!;
    room.keepEarly();
    return { room, opened };
  }

  /** Reads what a room holds after its last date and delivers it. */
  async repair(room: Room): Promise<void> {
    await this.#repairEach([room], false);
  }

  /** The same for all rooms, after a time in which relays may have been missed. */
  async repairAll(): Promise<void> {
    const unread = [...this.#rooms.values()].filter((room) => !room.opened && !this.#opening.has(room.id));
    this.#startReading(unread.map(({ id }) => id));
    const rooms = [...this.#rooms.values()].filter((room) => room.opened);
    await this.#repairEach(rooms, true);
  }

  /** What rooms have after these places, in one round trip. */
  async read(places: readonly Place[], limits: ReadLimits): Promise<Reading[]> {
    const readings = await this.#dependencies.timeline.read(places, limits);
    this.#heard(readings);
    return readings;
  }

  /** Forgets rooms that nobody was in for a while. */
  sweep(): void {
    const before = performance.now() - LINGER_MS;
    for (const [id, room] of this.#rooms) {
      if (room.members > 0 || room.emptySince > before || !room.opened) continue;
      room.close();
      this.#rooms.delete(id);
    }
  }

  /** Publishes what waits in the windows. */
  flush(): void {
    for (const room of this.#rooms.values()) room.flush();
  }

  #create(id: RoomId): Room {
    const { roomOptions } = this.#dependencies;
    const room = new Room(id, { ...roomOptions, onMissing: (missing) => void this.repair(missing) });
    room.emptySince = performance.now();
    this.#rooms.set(id, room);
    return room;
  }

  #startReading(ids: readonly RoomId[]): void {
    if (ids.length === 0) return;
    for (const id of ids) if (!this.#rooms.has(id)) this.#create(id);
    const reading = this.#read(ids);
    for (const id of ids) this.#opening.set(id, reading);
    // Whoever waits for it gets the error as well.
    reading.catch((error: unknown) => this.#dependencies.onRepairFailed(error));
  }

  async #read(ids: readonly RoomId[]): Promise<void> {
    const { rooms, timeline, usernames } = this.#dependencies;
    try {
      const [openings, infos] = await Promise.all([
        timeline.open(ids),
        rooms.info([...ids], (userIds) => usernames.find(userIds)),
      ]);
      this.#heard(openings);
      for (const [index, id] of ids.entries()) {
        const room = this.#rooms.get(id)!;
        const info = infos[index]!;
        room.title = 'name' in info ? { name: info.name } : { names: info.names };
        room.opensAt(openings[index]!);
      }
    } catch (error) {
      // A room that someone is in keeps what arrived early, and is read again with the next repair.
      for (const id of ids) if (this.#rooms.get(id)?.members === 0) this.#rooms.delete(id);
      throw error;
    } finally {
      for (const id of ids) this.#opening.delete(id);
    }
  }

  /** @param anew relays may have been missed */
  async #repairEach(rooms: readonly Room[], anew: boolean): Promise<void> {
    let unread = rooms;
    try {
      for (const perTrip of TRIPS) {
        const larger: Room[] = [];
        for (let start = 0; start < unread.length; start += perTrip)
          larger.push(...(await this.#repairTogether(unread.slice(start, start + perTrip), anew)));
        unread = larger;
      }
    } catch (error) {
      this.#dependencies.onRepairFailed(error);
    }
  }

  /** @returns the rooms that miss more than their share of what one round trip brings */
  async #repairTogether(some: readonly Room[], anew: boolean): Promise<Room[]> {
    const rooms = some.filter((room) => room.opened && !this.#repairing.has(room));
    for (const room of some) if (this.#repairing.has(room)) this.#again.add(room);
    if (rooms.length === 0) return [];
    for (const room of rooms) this.#repairing.add(room);
    let readings: Reading[];
    try {
      readings = await this.#readShares(rooms, anew);
    } finally {
      for (const room of rooms) this.#repairing.delete(room);
    }
    const { metrics } = this.#dependencies;
    const larger: Room[] = [];
    let bytes = 0;
    for (const [index, room] of rooms.entries()) {
      const reading = readings[index]!;
      if (!reading.messages && reading.count <= LIMITS.resumeMessages && rooms.length > 1) {
        larger.push(room);
        continue;
      }
      const missing = room.take(reading);
      if (missing > 0) metrics.repairs++;
      metrics.repaired += missing;
      for (const { json } of reading.messages ?? []) bytes += json.length;
      if (this.#again.delete(room)) void this.#repairEach([room], true);
    }
    if (bytes > 0) await sleep((REST_MS * bytes) / LIMITS.resumeBytes);
    return larger;
  }

  #readShares(rooms: readonly Room[], anew: boolean): Promise<Reading[]> {
    return this.read(
      rooms.map((room) => room.askFrom(anew)),
      {
        members: Math.floor(LIMITS.resumeMessages / rooms.length),
        bytes: Math.floor(LIMITS.resumeBytes / rooms.length),
      },
    );
  }

  #heard(answers: readonly { now: number }[]): void {
    // A room that counts as empty, as its key has another type, has no answer.
    const now = Math.max(0, ...answers.map((answer) => answer.now));
    if (now > 0) this.#dependencies.roomOptions.clock.heard(now);
  }
}
