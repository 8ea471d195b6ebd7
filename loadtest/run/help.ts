import { PROFILES } from '../lib/profiles.ts';
import { scenarios } from './scenarios.ts';

export const HELP = `npm run load -- <scenario> [--profile ${PROFILES.join('|')}]

Runs a k6 scenario against a running cluster (npm start) and writes a report with pictures to
loadtest/results/<time>-<scenario>/. The exit code is k6's: 0 when every rule held, 99 when one did not.

  --profile, -p   how much: smoke (seconds, the default), average (a minute), stress, spike, soak (an hour)
  --via           where sockets go: sockets (the port that the replicas share), replicas (each one's own port) or
                  gateway; the first two need a local cluster, whose default is sockets; another one says it by
                  SOCKET_URLS
  --restart       rolling-restart: the command that restarts the replicas, for instance
                  "kubectl -n chat rollout restart deployment/realtime && kubectl -n chat rollout status deployment/realtime";
                  a local cluster needs none
  --list, -l      the scenarios
  --help, -h      this

The target, from the environment:
  BASE_URL        the gateway; default: the local cluster's, else http://127.0.0.1:8080
  SOCKET_URLS     where sockets go, with commas between: ws://10.0.0.1:8081,ws://10.0.0.2:8081
  REPLICA_URLS    the replicas' own addresses, with commas between: http://10.0.0.1:3000,...
  METRICS_URLS    whose CPU and memory the report draws, where there is no local cluster: http://10.0.0.1:3000,...
  DATA_DIR        where a local cluster keeps cluster.json (.data)
  RESULTS_DIR     where the results go (loadtest/results)
  USER_PREFIX     names of the users, made at the first run: <prefix>-1, <prefix>-2 ... (load)
  LOAD_PASSWORD   their password; everybody knows the default, so give one where others reach the cluster
  PROFILE         the profile where --profile is not given
  K6_INSECURE_SKIP_TLS_VERIFY=true  takes a certificate that nobody vouches for

The load, instead of the profile's numbers (loadtest/lib/profiles.ts):
  SOCKETS SENDERS RATE USERS CONNECT_SECONDS HOLD_SECONDS ROOMS ROOMS_PER_CLIENT CUTS COMEBACK_SECONDS
  MESSAGE_BYTES   length of a message's text (120), at most 4096
  DRAIN_SECONDS   how long the last messages may take to arrive (30)
  SOCKETS_PER_VU  sockets that one VU of k6 holds (10)
  P99_MS          fail when 99 % of the deliveries (of the upgrades, pages or logins in the scenarios that are about
                  those) took longer than that; default: loss fails, slowness does not

A cluster started with LIMITS=off takes any load; one with limits takes 20 messages/s and 64 sockets of each user.
`;

export const LIST = `${scenarios.map(({ name, script, about }) => `  ${script.slice(0, 2)}  ${name.padEnd(16)} ${about}`).join('\n')}\n`;
