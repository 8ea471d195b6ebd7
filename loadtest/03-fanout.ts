import { readLoad } from './lib/config.ts';
import { OneRoom } from './lib/one-room.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { summaryOf } from './lib/summary.ts';

// Everyone in one room, spread over all replicas, and a few who send: what a message costs on its way to all.

const load = readLoad('fanout');
const room = new OneRoom(load);

export const options = room.options('fanout');
export const setup = () => makePlan(load, ['load-fanout']);
export const senders = (plan: Plan) => room.senders(plan);
export const listeners = (plan: Plan) => room.listeners(plan);
export const handleSummary = summaryOf('fanout', load);
