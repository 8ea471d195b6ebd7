import { type App, createKoa, createRouter, mount, requireSession, type ServiceParts } from '@chat/kit';
import { LoginLimits, RateLimit, Sessions, Users } from '@chat/store';
import { Accounts } from './accounts.ts';
import { AuthMetrics } from './auth-metrics.ts';
import { BcryptQueue } from './bcrypt-queue.ts';
import type { Config } from './config.ts';
import { Passwords } from './passwords.ts';
import { adminRevoke } from './routes/admin-revoke.ts';
import { links } from './routes/links.ts';
import { login } from './routes/login.ts';
import { logout } from './routes/logout.ts';
import { me } from './routes/me.ts';
import type { RouteParts } from './routes/parts.ts';
import { changePassword } from './routes/password.ts';
import { randomName } from './routes/randomname.ts';
import { register } from './routes/register.ts';
import { endSessions } from './routes/sessions.ts';

/** The auth service without a port. */
export function createApp(service: ServiceParts<Config>): App {
  const parts = routeParts(service);
  const guard = requireSession(parts.sessions);
  const router = createRouter();
  router
    .post('/register', register(parts))
    .post('/login', login(parts))
    .post('/logout', logout(parts))
    .get('/me', guard, me(parts))
    .post('/password', guard, changePassword(parts))
    .delete('/sessions', guard, endSessions(parts))
    .post('/admin/revoke', adminRevoke(parts))
    .get('/randomname', randomName)
    .get('/links', links(parts));
  const app = createKoa(service);
  mount(app, router);
  return app;
}

function routeParts(service: ServiceParts<Config>): RouteParts {
  const { config, redis, serverId } = service;
  const metrics = new AuthMetrics(service.metrics);
  const queue = new BcryptQueue({
    concurrency: config.BCRYPT_CONCURRENCY,
    limit: config.LIMITS ? config.BCRYPT_QUEUE : Number.POSITIVE_INFINITY,
    onDone: (seconds) => metrics.bcryptSeconds.observe(seconds),
  });
  metrics.watchQueue(queue);
  const passwords = new Passwords({ cost: config.BCRYPT_COST, queue });
  const users = new Users(redis);
  return {
    accounts: new Accounts({
      users,
      passwords,
      registrations: new RateLimit(redis, {
        name: 'registrations',
        points: config.REGISTRATIONS_PER_ADDRESS,
        windowSeconds: 3600,
        enabled: config.LIMITS,
      }),
      autoRegister: config.AUTO_REGISTER,
    }),
    users,
    sessions: new Sessions(redis, {
      ttlSeconds: config.SESSION_TTL_SECONDS,
      serverId,
      ...(config.LIMITS && { perUser: config.SESSIONS_PER_USER }),
    }),
    limits: new LoginLimits(redis, {
      perName: config.LOGIN_ATTEMPTS_PER_NAME,
      perAddress: config.LOGIN_ATTEMPTS_PER_ADDRESS,
      windowSeconds: config.LOGIN_WINDOW_SECONDS,
      enabled: config.LIMITS,
    }),
    metrics,
    config,
  };
}
