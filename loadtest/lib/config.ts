import { readConfig, readLoad as readLoadOf } from './environment.ts';
import type { Load, ScenarioName } from './profiles.ts';

/** What the environment says; nothing else reads it. */
export const config = readConfig(__ENV);

/** The load of a scenario. */
export function readLoad(scenario: ScenarioName): Load {
  return readLoadOf(scenario, config.profile, __ENV);
}
