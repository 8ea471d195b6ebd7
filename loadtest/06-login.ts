import { check } from 'k6';
import { readLoad } from './lib/config.ts';
import { loginOnce, loginScenario } from './lib/logins.ts';
import { scenarioOptions } from './lib/options.ts';
import { makePlan, type Plan } from './lib/plan.ts';
import { summaryOf } from './lib/summary.ts';

// Logins at a rate that does not wait for answers. Each costs a bcrypt hash: the auth service's cores are the limit.

const load = readLoad('login');

export const options = scenarioOptions({
  scenario: 'login',
  scenarios: { logins: loginScenario(load) },
  // That it is too much is an answer, but with no login at all nothing is shown.
  thresholds: { checks: ['rate==1'], chat_sent: ['count>0'] },
});
export const setup = () => makePlan(load, []);
export const logins = (plan: Plan) => loginOnce(plan, check);
export const handleSummary = summaryOf('login', load);
