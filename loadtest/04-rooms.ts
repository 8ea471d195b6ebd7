import { readLoad } from './lib/config.ts';
import { ManyRooms } from './lib/many-rooms.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { summaryOf } from './lib/summary.ts';

// Many small rooms, a few of them loud: by Zipf's law the second gets half of the messages that the first gets.

const load = readLoad('rooms');
const rooms = new ManyRooms(load);

export const options = rooms.options();
export const setup = () => makePlan(load, rooms.names);
export const members = (plan: Plan) => rooms.members(plan);
export const handleSummary = summaryOf('rooms', load);
