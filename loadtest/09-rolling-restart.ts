import { readLoad } from './lib/config.ts';
import { OneRoom } from './lib/one-room.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { summaryOf } from './lib/summary.ts';

// The replicas are restarted one after the other under load, and nobody misses a message. `npm run load` restarts
// those of a local cluster; elsewhere do it yourself while this runs (kubectl rollout restart).

const load = readLoad('rolling-restart');
const room = new OneRoom(load);

// Without a replica that was not there before there was no restart, and nothing is proved. That all of them were
// restarted `npm run load` has to say: no client sees them all.
export const options = room.options('rolling-restart', { chat_new_replica: ['count>0'] });
export const setup = () => makePlan(load, ['load-restart']);
export const senders = (plan: Plan) => room.senders(plan);
export const listeners = (plan: Plan) => room.listeners(plan);
export const handleSummary = summaryOf('rolling-restart', load);
