import exec from 'k6/execution';
import type { Scenario } from 'k6/options';
import { request } from './api.ts';
import { config } from './config.ts';
import { Meter } from './meter.ts';
import type { Plan } from './plan.ts';
import { type Load, loginsUnderWay } from './profiles.ts';
import type { Account } from './users.ts';

type Check = (value: unknown, checks: Record<string, (value: unknown) => boolean>) => boolean;

/** k6's scenario; the script exports the function `logins`. */
export function loginScenario({ rate, curve, holdSeconds }: Load): Scenario {
  const part = `${holdSeconds / curve.length}s`;
  const vus = loginsUnderWay({ rate });
  return {
    executor: 'ramping-arrival-rate',
    exec: 'logins',
    startRate: 0,
    timeUnit: '60s',
    stages: curve.flatMap((factor) => {
      const target = Math.round(rate * factor * 60);
      return [
        { duration: '0s', target },
        { duration: part, target },
      ];
    }),
    preAllocatedVUs: Math.min(vus, 20),
    maxVUs: vus,
    gracefulStop: `${config.drainSeconds}s`,
  };
}

/** Logs a user in, and looks whether the session is theirs: the ledger of logins. */
export function loginOnce(plan: Plan, check: Check): void {
  const meter = new Meter();
  meter.count('offered');
  const { username, id } = plan.accounts[exec.scenario.iterationInTest % plan.accounts.length]!;
  const answer = request('POST', '/login', { body: { username, password: config.password } });
  check(answer.status, {
    'login answers 200, or 429 or 503 when it is too much': (status) => known(status),
  });
  if (answer.status === 200) {
    meter.time('login', answer.timings.duration);
    meter.count('sent');
    meter.count('expected');
    const { token } = answer.json() as unknown as Account;
    const me = request('GET', '/me', { token });
    const theirs = me.status === 200 && (me.json() as unknown as Account).id === id;
    meter.count(theirs ? 'received' : 'missing');
  } else if (known(answer.status)) {
    meter.count('refused');
  }
  meter.close();
}

function known(status: unknown): boolean {
  return status === 200 || status === 429 || status === 503;
}
