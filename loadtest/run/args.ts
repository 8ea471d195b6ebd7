import { parseArgs } from 'node:util';
import { PROFILES, type ProfileName } from '../lib/profiles.ts';
import { findScenario, type Scenario, scenarios } from './scenarios.ts';

/** Where sockets go: the port that the replicas share, each replica's own port, or the gateway. */
export const PLANES = ['sockets', 'replicas', 'gateway'] as const;
export type Plane = (typeof PLANES)[number];

export type Command =
  | { kind: 'help' }
  | { kind: 'list' }
  | {
      kind: 'run';
      scenario: Scenario;
      profile: ProfileName;
      via: Plane | undefined;
      restart: string | undefined;
    };

/** The command line asks for something that there is not; the message says what there is. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * @param profile the one that is meant where the command line names none
 * @throws UsageError
 */
export function readArgs(argv: readonly string[], profile = 'smoke'): Command {
  const { values, positionals } = parse(argv);
  if (values.help || argv.length === 0) return { kind: 'help' };
  if (values.list) return { kind: 'list' };
  const [name, ...rest] = positionals;
  if (name === undefined) throw new UsageError(`which scenario? One of ${names()}`);
  if (rest.length > 0) throw new UsageError(`one scenario at a time, got ${positionals.join(' ')}`);
  const scenario = findScenario(name);
  if (!scenario) throw new UsageError(`there is no scenario "${name}". There are ${names()}`);
  const { via, restart } = values;
  if (restart !== undefined && scenario.name !== 'rolling-restart') {
    throw new UsageError(`--restart belongs to rolling-restart: ${scenario.name} restarts nothing`);
  }
  return {
    kind: 'run',
    scenario,
    profile: oneOf(PROFILES, values.profile ?? profile, 'profile'),
    via: via === undefined ? undefined : oneOf(PLANES, via, 'way'),
    restart,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        list: { type: 'boolean', short: 'l' },
        profile: { type: 'string', short: 'p' },
        via: { type: 'string' },
        restart: { type: 'string' },
      },
    });
  } catch (error) {
    // The first sentence says it; what follows is about a convention of parseArgs.
    throw new UsageError((error as Error).message.split('. ')[0]!);
  }
}

function oneOf<T extends string>(known: readonly T[], given: string, what: string): T {
  const found = known.find((each) => each === given);
  if (found === undefined)
    throw new UsageError(`there is no ${what} "${given}". There are ${known.join(', ')}`);
  return found;
}

function names(): string {
  return scenarios.map(({ name }) => name).join(', ');
}
