import { check } from 'k6';
import { runChecks } from './lib/checks.ts';
import { readLoad } from './lib/config.ts';
import { OneRoom } from './lib/one-room.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { summaryOf } from './lib/summary.ts';

// Does the cluster do its work at all? A few clients on every replica, and a look at each endpoint beside them.

const load = readLoad('smoke');
const room = new OneRoom(load);
const base = room.options('smoke', { checks: ['rate==1'] });

export const options = {
  ...base,
  scenarios: {
    ...base.scenarios,
    endpoints: {
      executor: 'per-vu-iterations',
      exec: 'endpoints',
      vus: 1,
      iterations: 1,
      maxDuration: '60s',
    },
  },
};
export const setup = () => makePlan(load, ['load-smoke']);
export const senders = (plan: Plan) => room.senders(plan);
export const listeners = (plan: Plan) => room.listeners(plan);
export const endpoints = (plan: Plan) => runChecks(plan, check);
export const handleSummary = summaryOf('smoke', load);
