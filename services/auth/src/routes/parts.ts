import type { LoginLimits, Sessions, Users } from '@chat/store';
import type { Accounts } from '../accounts.ts';
import type { AuthMetrics } from '../auth-metrics.ts';
import type { Config } from '../config.ts';

/** What the routes work with. */
export interface RouteParts {
  accounts: Accounts;
  users: Users;
  sessions: Sessions;
  limits: LoginLimits;
  metrics: AuthMetrics;
  config: Config;
}
