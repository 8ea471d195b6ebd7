import { performance } from 'node:perf_hooks';
import { LIMITS, type RoomId } from '@chat/protocol';
import type { Rooms, StoredMessage, Timeline } from '@chat/store';
import type { Incoming } from './chain.ts';
import { messageFrame } from './frames-out.ts';
import type { RealtimeMetrics } from './metrics.ts';
import { Room, type RoomOptions } from './room.ts';
import type { UsernameCache } from './username-cache.ts';

/** Messages read in one go to repair a room. */
const REPAIR_BATCH = 1000;
/** Rooms read in one round trip. */
const ROOMS_PER_TRIP = 500;
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
    await this.#repairEach([room]);
  }

  /** The same for all rooms, after a time in which relays may have been missed. */
  async repairAll(): Promise<void> {
    const unread = [...this.#rooms.values()].filter((room) => !room.opened && !this.#opening.has(room.id));
    this.#startReading(unread.map(({ id }) => id));
    const rooms = [...this.#rooms.values()].filter((room) => room.opened);
    for (let start = 0; start < rooms.length; start += ROOMS_PER_TRIP) {
      const some = rooms.slice(start, start + ROOMS_PER_TRIP);
      await this.#repairEach(some);
      await this.#rewindEach(some);
    }
  }

  /** Messages after a date, oldest first; at most `limit`. */
  async after(id: RoomId, since: number, limit: number = LIMITS.resumeMessages): Promise<Incoming[]> {
    return (await this.#dependencies.timeline.after(id, since, limit)).map(incomingOf);
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
      const [last, infos] = await Promise.all([
        timeline.last(ids),
        rooms.info([...ids], (userIds) => usernames.find(userIds)),
      ]);
      for (const [index, id] of ids.entries()) {
        const room = this.#rooms.get(id)!;
        const info = infos[index]!;
        room.title = 'name' in info ? { name: info.name } : { names: info.names };
        room.opensAt(last[index]!);
      }
    } catch (error) {
      // A room that someone is in keeps what arrived early, and is read again with the next repair.
      for (const id of ids) if (this.#rooms.get(id)?.members === 0) this.#rooms.delete(id);
      throw error;
    } finally {
      for (const id of ids) this.#opening.delete(id);
    }
  }

  /** Finds the rooms of which Redis lost the end, as after a failover. */
  async #rewindEach(rooms: readonly Room[]): Promise<void> {
    const chained = rooms.map((room) => room.chained);
    try {
      const last = await this.#dependencies.timeline.last(rooms.map(({ id }) => id));
      for (const [index, room] of rooms.entries()) {
        // A message that came meanwhile, or another reading, has the chain go on from what is there already.
        if (room.chained !== chained[index]) continue;
        if (last[index]! < room.chained) room.rewind(last[index]!);
      }
    } catch (error) {
      this.#dependencies.onRepairFailed(error);
    }
  }

  async #repairEach(rooms: readonly Room[]): Promise<void> {
    const { timeline, metrics, onRepairFailed } = this.#dependencies;
    const free = rooms.filter((room) => room.opened && !this.#repairing.has(room));
    if (free.length === 0) return;
    for (const room of free) this.#repairing.add(room);
    let again: Room[] = [];
    try {
      for (const room of free) room.startRepair();
      const positions = free.map((room) => [room.id, room.last] as const);
      const stored = await timeline.afterEach(positions, REPAIR_BATCH);
      for (const [index, room] of free.entries()) {
        const messages = stored[index]!;
        const complete = messages.length < REPAIR_BATCH;
        const missing = room.repaired(messages.map(incomingOf), complete);
        if (missing > 0) metrics.repairs++;
        metrics.repaired += missing;
        if (!complete) again.push(room);
      }
    } catch (error) {
      again = [];
      onRepairFailed(error);
    } finally {
      for (const room of free) this.#repairing.delete(room);
    }
    if (again.length > 0) await this.#repairEach(again);
  }
}

function incomingOf({ json, date, prev }: StoredMessage): Incoming {
  return { date, prev, frame: messageFrame(json), identity: prev === undefined ? json : undefined };
}
