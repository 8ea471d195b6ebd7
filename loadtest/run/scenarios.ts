import { SCENARIOS, type ScenarioName } from '../lib/profiles.ts';

const ABOUT: Record<ScenarioName, string> = {
  smoke: 'a few clients on every replica, and each endpoint but streams once: does it work at all?',
  connect: 'a ramp of upgrades, each with a session check and a resume; none is cut',
  fanout: 'everyone in one room over all replicas, a few send: latency by kind of hop',
  rooms: 'many small rooms, a few of them loud (Zipf)',
  history: 'pages of history while messages are written',
  login: 'logins at a fixed rate, bound by bcrypt',
  storm: 'all clients are cut at one instant and come back while messages go on',
  soak: 'a steady load for long, while clients come and go',
  'rolling-restart': 'the replicas are restarted one after the other under load',
};

export interface Scenario {
  name: ScenarioName;
  /** The file in loadtest/, for instance 03-fanout.ts. */
  script: string;
  about: string;
}

export const scenarios: readonly Scenario[] = SCENARIOS.map((name, index) => ({
  name,
  script: `${String(index + 1).padStart(2, '0')}-${name}.ts`,
  about: ABOUT[name],
}));

/** Finds a scenario by its name, number or file: fanout, 3, 03, 03-fanout and 03-fanout.ts are one. */
export function findScenario(text: string): Scenario | undefined {
  const wanted = text.replace(/^.*\//, '').replace(/\.ts$/, '');
  return scenarios.find(
    ({ name, script }, index) =>
      wanted === name ||
      wanted === script.replace('.ts', '') ||
      (/^\d+$/.test(wanted) && Number(wanted) === index + 1),
  );
}
