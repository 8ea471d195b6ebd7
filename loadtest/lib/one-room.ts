import type { Client } from './client.ts';
import { runCrew, type Team, teamsOf } from './crew.ts';
import type { Meter } from './meter.ts';
import { crewScenario, scenarioOptions } from './options.ts';
import { Pace } from './pace.ts';
import type { Plan } from './plan.ts';
import type { Load, ScenarioName } from './profiles.ts';
import { turnsOf } from './schedule.ts';
import { Sender } from './sender.ts';

/** What a client does beside sending or listening. */
type Beside = (client: Client, plan: Plan, meter: Meter) => Promise<unknown>;

/** Many who listen in one room, and a few who send: what most scenarios do, each with something beside. */
export class OneRoom {
  readonly #load: Load;
  readonly #pace: Pace;
  readonly #teams: { senders: Team; listeners: Team };
  readonly #beside: Beside;

  constructor(load: Load, beside: Beside = async () => undefined) {
    this.#load = load;
    this.#pace = new Pace(load);
    this.#teams = teamsOf(load);
    this.#beside = beside;
  }

  /** k6's options; the script exports the functions `senders` and `listeners`. */
  options(scenario: ScenarioName, thresholds: Record<string, string[]> = {}) {
    const { senders, listeners } = this.#teams;
    return scenarioOptions({
      scenario,
      scenarios: {
        senders: crewScenario('senders', senders, this.#load),
        listeners: crewScenario('listeners', listeners, this.#load),
      },
      clients: senders.count + listeners.count,
      thresholds,
    });
  }

  senders(plan: Plan): Promise<void> {
    const [room] = plan.rooms;
    const outlets = [{ roomId: room!.id, members: this.#load.senders + this.#load.sockets }];
    return this.#run(plan, this.#teams.senders, async (client, meter) => {
      const due = turnsOf(this.#pace, plan.sendFrom, client.index, this.#load.senders);
      const sender = new Sender({ client, plan, outlets, due });
      await Promise.all([sender.run(), this.#beside(client, plan, meter)]);
    });
  }

  listeners(plan: Plan): Promise<void> {
    return this.#run(plan, this.#teams.listeners, (client, meter) => this.#beside(client, plan, meter));
  }

  async #run(
    plan: Plan,
    team: Team,
    work: (client: Client, meter: Meter) => Promise<unknown>,
  ): Promise<void> {
    const [room] = plan.rooms;
    const seat = { ...room!, senders: this.#load.senders };
    await runCrew({ plan, load: this.#load, team, seats: () => [seat], work });
  }
}
