import { config } from './config.ts';
import { runCrew, type Team } from './crew.ts';
import { Membership } from './membership.ts';
import { crewScenario, scenarioOptions } from './options.ts';
import { Pace } from './pace.ts';
import type { Plan } from './plan.ts';
import type { Load } from './profiles.ts';
import { atRandom } from './schedule.ts';
import { Sender } from './sender.ts';
import { zipfShares } from './zipf.ts';

/** Clients that are in several small rooms each, and write into them as people do: at random, and unevenly. */
export class ManyRooms {
  readonly names: string[];
  readonly #load: Load;
  readonly #team: Team;
  readonly #membership: Membership;
  readonly #shares: number[];

  constructor(load: Load) {
    const { sockets, rooms, roomsPerClient } = load;
    // All of them listen and send; the senders of the profile are those of one room.
    this.#load = { ...load, senders: 0 };
    this.#team = { first: 0, count: sockets, perVu: config.socketsPerVu };
    this.#membership = new Membership({ clients: sockets, rooms, perClient: roomsPerClient });
    this.#shares = zipfShares(rooms);
    this.names = Array.from({ length: rooms }, (_, index) => `load-room-${index + 1}`);
  }

  /** k6's options; the script exports the function `members`. */
  options() {
    return scenarioOptions({
      scenario: 'rooms',
      scenarios: { members: crewScenario('members', this.#team, this.#load) },
      clients: this.#team.count,
    });
  }

  async members(plan: Plan): Promise<void> {
    const seats = (client: number) =>
      this.#membership
        .roomsOf(client)
        .map((index) => ({ ...plan.rooms[index]!, senders: this.#membership.membersOf(index) }));
    await runCrew({
      ...{ plan, load: this.#load, team: this.#team, seats },
      work: (client) => {
        const own = this.#membership.roomsOf(client.index);
        const outlets = own.map((index) => ({
          roomId: plan.rooms[index]!.id,
          members: this.#membership.membersOf(index),
        }));
        // A room's messages come in equal parts from its members.
        const rates = own.map(
          (index) => (this.#load.rate * this.#shares[index]!) / this.#membership.membersOf(index),
        );
        const rate = rates.reduce((sum, each) => sum + each, 0);
        const due = atRandom(new Pace({ ...this.#load, rate }), plan.sendFrom);
        return new Sender({ client, plan, outlets, due, choose: () => weighted(rates, rate) }).run();
      },
    });
  }
}

/** An index at random, by weight. */
function weighted(weights: readonly number[], sum: number): number {
  let rest = Math.random() * sum;
  for (const [index, weight] of weights.entries()) {
    rest -= weight;
    if (rest < 0) return index;
  }
  return weights.length - 1;
}
