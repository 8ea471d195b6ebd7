import exec from 'k6/execution';
import { Client } from './client.ts';
import { sleepUntil, until } from './clock.ts';
import { config } from './config.ts';
import { Meter } from './meter.ts';
import { type Plan, patience } from './plan.ts';
import type { Load } from './profiles.ts';
import { RoomLedger } from './room-ledger.ts';

/** The clients of one k6 scenario: which numbers they have among all of the run, and how many share a VU. */
export interface Team {
  first: number;
  count: number;
  perVu: number;
}

/** A room as one client keeps account of it. */
export interface Seat {
  id: string;
  since: number;
  /** How many clients send into it. */
  senders: number;
}

interface Crew {
  plan: Plan;
  load: Load;
  team: Team;
  seats: (client: number) => readonly Seat[];
  /** What a client does beside listening; it ends by itself. */
  work?: (client: Client, meter: Meter) => Promise<unknown>;
}

/** After its last message a client listens on for so long: a duplicate may follow. */
const LINGER_MS = 500;

/** Runs the clients of this VU from connecting to the closing of the account. */
export async function runCrew({ plan, load, team, seats, work }: Crew): Promise<void> {
  const meter = new Meter();
  const start = exec.scenario.iterationInTest * team.perVu;
  const indexes = Array.from(
    { length: Math.min(team.perVu, team.count - start) },
    (_, k) => team.first + start + k,
  );
  const clients = indexes.map((index) => {
    const account = plan.accounts[index % plan.accounts.length]!;
    const ledgers = seats(index).map((seat) => new RoomLedger(seat, plan.run));
    return new Client({ index, token: account.token, plan, ledgers, meter });
  });
  await Promise.all(clients.map((client) => takePart(client, { plan, load, meter, work })));
  meter.close();
}

async function takePart(
  client: Client,
  { plan, load, meter, work }: Pick<Crew, 'plan' | 'load' | 'work'> & { meter: Meter },
): Promise<void> {
  const share = client.index / (load.sockets + load.senders);
  await sleepUntil(plan.connectFrom + share * load.connectSeconds * 1000);
  void client.connect();
  await work?.(client, meter);
  await sleepUntil(plan.sendUntil);
  if (
    await until(
      () => client.complete,
      () => patience(plan, client.heardAt, config.drainSeconds),
    )
  ) {
    meter.count('done');
    await sleepUntil(Date.now() + LINGER_MS);
  }
  for (const ledger of client.ledgers) meter.count('missing', ledger.missing);
  meter.count('unacked', client.outbox.unacknowledged.length);
  client.close();
}

/** VUs that a team takes. */
export function vusOf({ count, perVu }: Team): number {
  return Math.ceil(count / perVu);
}

/** Senders have a VU each, so that nothing delays them; the others share. */
export function teamsOf(load: Load): { senders: Team; listeners: Team } {
  return {
    senders: { first: 0, count: load.senders, perVu: 1 },
    listeners: { first: load.senders, count: load.sockets, perVu: config.socketsPerVu },
  };
}
