import { readLoad } from './lib/config.ts';
import { OneRoom } from './lib/one-room.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { summaryOf } from './lib/summary.ts';

// A ramp of upgrades, each with a session check, a hello and a resume; then all stay connected, and none is lost.

const load = readLoad('connect');
const room = new OneRoom(load);

export const options = room.options({ chat_connect_failed: ['count==0'] });
export const setup = () => makePlan(load, ['load-connect']);
export const senders = (plan: Plan) => room.senders(plan);
export const listeners = (plan: Plan) => room.listeners(plan);
export const handleSummary = summaryOf('connect', load);
