import { errorOf, requestAll, stop } from './api.ts';
import { config } from './config.ts';

export interface Account {
  id: number;
  username: string;
  token: string;
}

/** Few enough that the auth service does not refuse any as busy. */
const AT_ONCE = 20;

/** Logs in users of these names; those that do not exist yet are registered by it. */
export function logIn(names: readonly string[]): Account[] {
  const accounts: Account[] = [];
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const some = names.slice(start, start + AT_ONCE);
    const answers = requestAll(
      some.map((username) => ({
        method: 'POST',
        path: '/login',
        body: { username, password: config.password },
      })),
    );
    for (const [index, answer] of answers.entries()) {
      if (answer.status !== 200) refused(some[index]!, answer.status, errorOf(answer));
      accounts.push(answer.json() as unknown as Account);
    }
  }
  return accounts;
}

export function userNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${config.userPrefix}-${index + 1}`);
}

function refused(username: string, status: number, error: string): never {
  const hint =
    status === 401
      ? 'the name exists with another password: set LOAD_PASSWORD or USER_PREFIX (or AUTO_REGISTER is off)'
      : error;
  stop(`the user ${username} cannot log in at ${config.baseUrl} (${status}): ${hint}`);
}
