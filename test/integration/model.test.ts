import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../harness/programs.ts';

const MODEL = fileURLToPath(new URL('../model/order.pml', import.meta.url));
const TIMEOUT_MS = 300_000;
const run = promisify(execFile);
const missing = ['spin', 'cc'].filter((program) => !findProgram(program));
const skipped = missing.length > 0 ? ` (skipped: ${missing.join(' and ')} not installed)` : '';

type Scene = Record<string, number>;

/** Whole state spaces, each with a few things that happen in any order: see order.pml. */
const SCENES: Record<string, Scene> = {
  'subscriptions are cut': { SENDS: 3, CUTS: 2 },
  'more is missing than a read returns': { SENDS: 4, LIMIT: 1 },
  'subscriptions are cut and more is missing than a read returns': { SENDS: 3, CUTS: 1, LIMIT: 1 },
  'the client moves while subscriptions are cut': { SENDS: 3, CUTS: 1, MOVES: 1 },
  'the client moves twice, with gaps': { SENDS: 2, CUTS: 1, MOVES: 2, LIMIT: 1 },
  'the clock is set back while subscriptions are cut': { SENDS: 3, STEPS: 1, CUTS: 1 },
  'the clock is set back while the client moves': { SENDS: 3, STEPS: 1, MOVES: 1 },
  'Redis loses its newest message': { SENDS: 3, FAILOVERS: 1, PAUSES: 1 },
  'Redis loses its newest message while the client moves': { SENDS: 2, FAILOVERS: 1, PAUSES: 1, MOVES: 1 },
  'a foreign server writes while subscriptions are cut': { SENDS: 2, FOREIGN: 1, CUTS: 1 },
  'a foreign server writes while the client moves': { SENDS: 2, FOREIGN: 1, FORMS: 3, MOVES: 1, LIMIT: 1 },
  'a foreign server writes into a full room': { SENDS: 2, FOREIGN: 1, KEEP: 1 },
};

/** Faults that the model can be given, and for each a scene that shows it. */
const MUTANTS: [name: string, fault: string, scene: Scene][] = [
  ['DECODED_MESSAGES', 'messages that can be decoded are counted, not rows', foreign({ MOVES: 1, LIMIT: 1 })],
  ['NEWEST_DATE', 'what is not newer than the newest date passes for a duplicate', foreign()],
  ['TRIM_BY_RANK', 'a full room is trimmed by rank', foreign({ KEEP: 1 })],
  ['BOUND_BY_SECOND', 'the bound for dates ahead moves by whole seconds', foreign()],
  ['NO_OVERLAP', 'nothing is read again for the sake of whole seconds', foreign({ MOVES: 1 })],
  ['FOREIGN_BY_DATE', 'a foreign message after the last date passes for one to come', foreign({ MOVES: 1 })],
  ['DROPPED_WHILE_READING', 'a repair asked for during a reading is dropped', { CUTS: 2 }],
  ['LOCAL_CLOCK', 'the clock of the replica decides what is read', { MOVES: 1 }],
  ['VOUCHES_UNREAD', 'a resume is answered without a reading', { MOVES: 1 }],
  ['GAP_KEEPS_RECENT', 'messages may follow dates from before a gap', { SENDS: 4, LIMIT: 1 }],
  ['GAP_AFTER_RELAYS', 'a gap is told that relays closed meanwhile', { SENDS: 3, CUTS: 1, LIMIT: 1 }],
  ['LOST_BEFORE', 'what follows an unknown date before the last is delivered', failover()],
  ['NO_REWIND', 'a repair reads after the last date, though Redis lost that', failover()],
  ['FORK_BY_DATE', 'a repair reads after another date that Redis lost', failover()],
  ['OLD_BY_DATE', 'a message after the last date passes for one to come', failover({ SENDS: 2, MOVES: 1 })],
  [
    'TRUSTS_POSITION',
    'a position beyond the end of the chain is read after',
    { SENDS: 3, STEPS: 1, MOVES: 1 },
  ],
  [
    'COVERS_BY_POSITION',
    'what is kept is compared with a position of before a fork',
    { SENDS: 3, STEPS: 1, MOVES: 1 },
  ],
];

function foreign(scene: Scene = {}): Scene {
  return { SENDS: 2, FOREIGN: 1, ...scene };
}

function failover(scene: Scene = {}): Scene {
  return { SENDS: 3, FAILOVERS: 1, PAUSES: 1, ...scene };
}

/** What the checker prints; with `errors: 0` no order of events breaks the model, and all were tried. */
async function check(scene: Scene, mutant?: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chat-model-'));
  try {
    const defines = Object.entries(scene).map(([name, value]) => `-D${name}=${value}`);
    if (mutant) defines.push(`-D${mutant}`);
    const options = { cwd: directory, timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 };
    await run('spin', ['-a', ...defines, MODEL], options);
    // A state is known by its hash (HC4): a whole one has 230 bytes, and there are millions. 2 GB at most.
    const flags = ['-O2', '-w', '-DSAFETY', '-DNOREDUCE', '-DHC4', '-DMEMLIM=2000'];
    await run('cc', [...flags, '-o', 'pan', 'pan.c'], options);
    const { stdout } = await run(join(directory, 'pan'), ['-m100000', '-n'], options);
    return stdout;
  } finally {
    await rm(directory, { recursive: true });
  }
}

describe.skipIf(skipped !== '')(`the model of a room's order${skipped}`, { timeout: TIMEOUT_MS }, () => {
  it.each(Object.entries(SCENES))('holds whatever happens first: %s', async (_, scene) => {
    const printed = await check(scene);
    expect(printed).toContain('errors: 0');
    expect(printed).not.toMatch(/search depth too small|MEMLIM|not completed/);
  });

  it.each(MUTANTS)('breaks by %s: %s', async (mutant, _, scene) => {
    expect(await check(scene, mutant)).toContain('assertion violated');
  });
});
