import { sleepUntil } from './lib/clock.ts';
import { readLoad } from './lib/config.ts';
import { OneRoom } from './lib/one-room.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { summaryOf } from './lib/summary.ts';

// A steady load for long, while clients come and go: what grows that should not? The report draws memory over time.

const load = readLoad('soak');
/** A client stays connected for so long on average: short enough that each comes and goes in any run. */
const stayMs = Math.min(300, load.holdSeconds / 3) * 1000;

const room = new OneRoom(load, async (client, plan) => {
  for (let time = plan.sendFrom; ; ) {
    time += -Math.log(1 - Math.random()) * stayMs;
    if (time >= plan.sendUntil) return;
    await sleepUntil(time);
    client.cut(Math.random() * load.comebackSeconds * 1000);
  }
});

export const options = room.options('soak');
export const setup = () => makePlan(load, ['load-soak']);
export const senders = (plan: Plan) => room.senders(plan);
export const listeners = (plan: Plan) => room.listeners(plan);
export const handleSummary = summaryOf('soak', load);
