import { readLoad } from './lib/config.ts';
import { teamsOf } from './lib/crew.ts';
import { OneRoom } from './lib/one-room.ts';
import { crewScenario, scenarioOptions } from './lib/options.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { runReader } from './lib/reader.ts';
import { summaryOf } from './lib/summary.ts';

// Pages of history while messages are written: readers follow the room and scroll back, and no page repeats or misses.

const load = readLoad('history');
const room = new OneRoom(load);
const { senders: writing } = teamsOf(load);
/** A request stops a whole VU, so each reader has its own. */
const reading = { first: load.senders, count: load.sockets, perVu: 1 };

export const options = scenarioOptions({
  scenario: 'history',
  scenarios: {
    senders: crewScenario('senders', writing, load),
    readers: crewScenario('readers', reading, load),
  },
  clients: writing.count + reading.count,
});
export const setup = () => makePlan(load, ['load-history']);
export const senders = (plan: Plan) => room.senders(plan);
export const readers = (plan: Plan) => runReader(plan, load.senders);
export const handleSummary = summaryOf('history', load);
