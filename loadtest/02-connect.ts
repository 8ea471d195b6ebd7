import { readLoad } from './lib/config.ts';
import { OneRoom } from './lib/one-room.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { summaryOf } from './lib/summary.ts';

// A ramp of upgrades, each with a session check, a hello and a resume; then all stay connected, and none is cut.
// One that a replica asked to connect elsewhere, as it drains or has more than its share, was not cut.

const load = readLoad('connect');
const room = new OneRoom(load);

export const options = room.options('connect', { chat_connect_failed: ['count==0'], chat_cut: ['count==0'] });
export const setup = () => makePlan(load, ['load-connect']);
export const senders = (plan: Plan) => room.senders(plan);
export const listeners = (plan: Plan) => room.listeners(plan);
export const handleSummary = summaryOf('connect', load);
