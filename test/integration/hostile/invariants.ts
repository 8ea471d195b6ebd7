import type { Message } from '@chat/protocol';
import { keys } from '@chat/store';
import type { Ledger } from './ledger.ts';
import type { Member } from './member.ts';
import type { World } from './world.ts';

/** What docs/guarantees.md promises and did not hold, as lines for people. */
export async function faultsOf(world: World, ledger: Ledger, members: readonly Member[]): Promise<string[]> {
  const stored = new Set<string>();
  for (const roomId of ledger.rooms) for (const text of await storedTexts(world, roomId)) stored.add(text);
  return [
    ...unstored(world, ledger, stored),
    ...unshown(await world.now(), ledger, members, stored),
    ...members.flatMap((member) => [...repeated(ledger, member), ...disordered(ledger, member, stored)]),
    ...(await unreadable(world, ledger, members)),
  ];
}

function unstored(world: World, { entries }: Ledger, stored: ReadonlySet<string>): string[] {
  // A full room drops its oldest ones.
  if (world.roomLimit > 0) return [];
  return entries.filter(({ text }) => !stored.has(text)).map(({ text }) => `${text} is not stored any more`);
}

function unshown(
  now: number,
  ledger: Ledger,
  members: readonly Member[],
  stored: ReadonlySet<string>,
): string[] {
  return ledger
    .missing(members)
    .filter(({ text, date = 0 }) => stored.has(text) && !(ledger.forked && date > now + 3600))
    .map(({ member, text }) => `${nameOf(member)} was not shown ${text}`);
}

function repeated(ledger: Ledger, member: Member): string[] {
  const own = new Set(ledger.entries.map(({ text }) => text));
  const seen = new Map<string, number>();
  const faults: string[] = [];
  for (const { message, connection, had } of member.view.shown) {
    if (!own.has(message)) continue;
    // A client may come back with an earlier date than the newest that it was shown, and then gets some again.
    const again = seen.get(message) === connection || (had && !ledger.forked && seen.has(message));
    if (again) faults.push(`${nameOf(member)} was shown ${message} twice`);
    seen.set(message, connection);
  }
  return faults;
}

function disordered(ledger: Ledger, member: Member, stored: ReadonlySet<string>): string[] {
  if (ledger.forked) return [];
  const places = new Map(
    member.view.shown.map(({ roomId, message }, index) => [`${roomId} ${message}`, index]),
  );
  const lasts = new Map<string, { place: number; text: string }>();
  const faults: string[] = [];
  for (const { roomId, sender, text } of ledger.entries) {
    const place = places.get(`${roomId} ${text}`);
    if (sender === undefined || place === undefined) continue;
    const last = lasts.get(`${roomId} ${sender}`);
    if (last && last.place > place) faults.push(`${nameOf(member)} was shown ${text} before ${last.text}`);
    lasts.set(`${roomId} ${sender}`, { place, text });
  }
  const dates = new Map<string, string>();
  // What a full room dropped before a replica could read it comes after what the room has.
  const kept = ledger.entries.filter(({ text }) => stored.has(text));
  for (const { roomId, date, text } of kept) dates.set(`${roomId} ${date}`, text);
  const shown = new Set<string>();
  for (const { roomId, prev, message } of member.view.shown) {
    const before = dates.get(`${roomId} ${prev}`);
    if (before !== undefined && places.has(`${roomId} ${before}`) && !shown.has(before))
      faults.push(`${nameOf(member)} was shown ${message} before ${before}, which it follows`);
    shown.add(message);
  }
  return faults;
}

async function unreadable(world: World, { rooms }: Ledger, [member]: readonly Member[]): Promise<string[]> {
  const faults: string[] = [];
  for (const roomId of rooms) {
    for (const query of ['size=200', 'after=0&size=200', 'before=99999999999&size=200']) {
      const body = await world.page(member!.account, roomId, query);
      try {
        JSON.parse(body);
      } catch {
        faults.push(`a page of history is no JSON: ${body.slice(0, 300)}`);
      }
    }
  }
  return faults;
}

async function storedTexts(world: World, roomId: string): Promise<string[]> {
  const members = await world.foreign.zrangebyscore(keys.room(roomId), '-inf', 'inf');
  return members.flatMap((member) => {
    try {
      return [(JSON.parse(member) as Message).message];
    } catch {
      return [];
    }
  });
}

function nameOf(member: Member): string {
  return member.constructor.name;
}
