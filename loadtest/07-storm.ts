import { sleepUntil } from './lib/clock.ts';
import { readLoad } from './lib/config.ts';
import { OneRoom } from './lib/one-room.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { summaryOf } from './lib/summary.ts';

// All clients are cut at one instant, the senders as well, and come back within a moment, while messages go on.

const load = readLoad('storm');
const room = new OneRoom(load, async (client, plan) => {
  const spacing = (plan.sendUntil - plan.sendFrom) / (load.cuts + 1);
  for (let cut = 1; cut <= load.cuts; cut++) {
    await sleepUntil(plan.sendFrom + cut * spacing);
    client.cut(Math.random() * load.comebackSeconds * 1000);
  }
});

export const options = room.options('storm');
export const setup = () => makePlan(load, ['load-storm']);
export const senders = (plan: Plan) => room.senders(plan);
export const listeners = (plan: Plan) => room.listeners(plan);
export const handleSummary = summaryOf('storm', load);
