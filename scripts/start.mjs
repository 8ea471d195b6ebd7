import { createServer } from 'node:net';
import { checkMachine, checkNativeModules, installDependencies, RequirementError } from './dependencies.mjs';
import { nearMiss } from './near-miss.mjs';

// npm start: plain Node and nothing else up to `npm ci`; what follows is TypeScript (run-cluster.ts).

const HELP = `npm start: a whole chat cluster on this machine. Ctrl-C stops it.

  PORT=8080           the gateway: page, auth, history and /ws on one port
  SOCKET_PORT=8081    the port that all replicas share for WebSockets
  REPLICAS=3          realtime processes
  DATA_DIR=.data      logs, cluster.json (url and pid of every process) and the files of Redis: chats stay
  REDIS_URL           use this Redis instead of starting one
  STATS_PORT          the gateway's statistics and Prometheus; a free one unless given
  GATEWAY_THREADS     threads of the gateway; a quarter of the cores unless given

Handed on to the services, which list the others in their README.md:
  DEMO_DATA=true      write the users Pablo, Joe, Mary and Alex (password123) into an empty Redis
  LIMITS=on           off lifts the limits of rates and numbers, for load tests
  LOG_LEVEL=info      trace, debug, info, warn, error; the logs are in DATA_DIR/logs
  AUTO_REGISTER=true  a login with an unknown name makes the user
  ALLOWED_ORIGINS     more origins that may use the API, with commas between them
`;

try {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    console.log(HELP);
  } else {
    checkArguments(process.argv.slice(2));
    checkMachine();
    // First of all: with a cluster running here, not even its node_modules may change.
    await checkPort('PORT', 8080);
    await checkPort('SOCKET_PORT', 8081);
    if (process.env.STATS_PORT) await checkPort('STATS_PORT', 0);
    installDependencies();
    checkNativeModules();
    const { register } = await import('tsx/esm/api');
    register();
    const { runCluster } = await import('./run-cluster.ts');
    await runCluster();
  }
} catch (error) {
  // Programs and settings that are missing are the user's to mend: a stack trace would bury the one line.
  const known =
    error instanceof RequirementError || /^(Program|DataDir|Settings|Redis)/.test(error?.name ?? '');
  console.error(known ? error.message : error);
  process.exit(1);
}

/** @param {string[]} args */
function checkArguments([arg]) {
  if (arg === undefined) return;
  const [flag = ''] = arg.split('=');
  if (!flag.startsWith('-')) {
    throw new RequirementError(
      `${arg}: npm start takes no such argument; npm start -- --help lists the settings`,
    );
  }
  const variable = flag.replace(/^-+/, '').replaceAll('-', '_').toUpperCase();
  const setting = nearMiss(
    variable,
    Array.from(HELP.matchAll(/^ {2}([A-Z_]+)/gm), ([, name]) => name ?? ''),
  );
  const meant = nearMiss(flag, ['--help']);
  let mend = 'npm start -- --help lists the settings';
  if (setting) mend = `set ${setting}=… before it, as in ${setting}=… npm start`;
  if (meant) mend = `did you mean ${meant}?`;
  throw new RequirementError(`${flag}: npm start takes no such flag; ${mend}`);
}

/**
 * @param {string} variable
 * @param {number} fallback
 */
async function checkPort(variable, fallback) {
  const port = Number(process.env[variable] || fallback);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RequirementError(`${variable}: expected a port from 1 to 65535, got ${process.env[variable]}`);
  }
  /** @type {string | undefined} */
  const code = await new Promise((resolve) => {
    const server = createServer().once('error', (error) => resolve(Reflect.get(error, 'code')));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(undefined)));
  });
  if (code === 'EACCES') {
    throw new RequirementError(
      `${variable}: this user may not listen on port ${port} (EACCES): choose one from 1024 on with ${variable}=…`,
    );
  }
  if (code) {
    throw new RequirementError(
      code === 'EADDRINUSE'
        ? `port ${port} is in use: end what listens there, or choose another one with ${variable}=…`
        : `${variable}: nothing can listen on port ${port} of 127.0.0.1 (${code})`,
    );
  }
}
