import type { Counted, Timed } from './metrics.ts';
import type { ScenarioName } from './profiles.ts';

/** What a scenario is about: which times and rates stand first in its report, and how its ledger calls things. */
export interface Subject {
  /** What is timed; the last one is what the headline shows. */
  times: readonly Timed[];
  /** Of what the times are. */
  of: string;
  /** What happens how often. */
  rate: { name: string; counted: Counted; due?: Counted };
  sent: string;
  due: string;
  received: string;
}

const MESSAGES: Subject = {
  times: ['same', 'across'],
  of: 'deliveries, all hops',
  rate: { name: 'deliveries', counted: 'received', due: 'expected' },
  sent: 'sent and acknowledged',
  due: 'deliveries due',
  received: 'deliveries received',
};

const SUBJECTS: Partial<Record<ScenarioName, Subject>> = {
  connect: {
    ...MESSAGES,
    times: ['connect'],
    of: 'upgrades',
    rate: { name: 'upgrades', counted: 'connected' },
  },
  history: { ...MESSAGES, times: ['page'], of: 'pages' },
  login: {
    ...{ times: ['login'], of: 'logins' },
    rate: { name: 'logins', counted: 'received', due: 'expected' },
    sent: 'logins answered',
    due: 'sessions due',
    received: 'sessions that hold',
  },
};

export function subjectOf(scenario: ScenarioName): Subject {
  return SUBJECTS[scenario] ?? MESSAGES;
}
