import { randomInt } from 'node:crypto';
import type { AppMiddleware } from '@chat/kit';

const ADJECTIVES = [
  ...[
    'amber',
    'brave',
    'calm',
    'clever',
    'cosmic',
    'crisp',
    'eager',
    'gentle',
    'golden',
    'happy',
    'jolly',
    'keen',
  ],
  ...[
    'lively',
    'lucky',
    'mellow',
    'misty',
    'noble',
    'polite',
    'quick',
    'quiet',
    'rapid',
    'shiny',
    'silent',
    'sunny',
  ],
  ...['swift', 'tidy', 'vivid', 'warm', 'wise', 'witty'],
];

const ANIMALS = [
  ...[
    'badger',
    'beaver',
    'bison',
    'crane',
    'dolphin',
    'eagle',
    'falcon',
    'ferret',
    'finch',
    'fox',
    'gecko',
    'heron',
  ],
  ...[
    'ibis',
    'koala',
    'lemur',
    'lynx',
    'marten',
    'moose',
    'otter',
    'owl',
    'panda',
    'pelican',
    'puffin',
    'raven',
  ],
  ...['robin', 'seal', 'sparrow', 'stork', 'tiger', 'walrus'],
];

/** GET /randomname: a name to start with, one of nine million: most likely free, but nothing is reserved. */
export const randomName: AppMiddleware = (ctx) => {
  ctx.body = { name: `${pick(ADJECTIVES)}-${pick(ANIMALS)}-${randomInt(10_000)}` };
};

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)]!;
}
