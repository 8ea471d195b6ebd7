import bcrypt from 'bcrypt';
import { describe, expect, it } from 'vitest';
import { BcryptQueue } from './bcrypt-queue.ts';
import { Passwords } from './passwords.ts';

const durations: number[] = [];
const queue = new BcryptQueue({ concurrency: 1, limit: 10, onDone: (seconds) => durations.push(seconds) });

describe('Passwords', () => {
  it('hashes as $2b$ with the given cost', async () => {
    const hash = await new Passwords({ cost: 5, queue }).hash('password123');
    expect(hash).toMatch(/^\$2b\$05\$/);
    expect(await new Passwords({ cost: 4, queue }).verify('password123', hash)).toBe(true);
  });

  it.each(['$2a$', '$2b$', '$2y$'])('reads %s', async (start) => {
    const passwords = new Passwords({ cost: 4, queue });
    const hash = (await bcrypt.hash('p\u00e4ssword', 4)).replace('$2b$', start);
    expect(await passwords.verify('p\u00e4ssword', hash)).toBe(true);
    expect(await passwords.verify('password', hash)).toBe(false);
  });

  it.each([undefined, '', 'plain text', '$2b$04$short', '$1$md5'])('says no to the hash %s', async (hash) => {
    expect(await new Passwords({ cost: 4, queue }).verify('plain text', hash)).toBe(false);
  });

  it('works as long for nobody as for somebody', async () => {
    const passwords = new Passwords({ cost: 10, queue });
    const hash = await bcrypt.hash('password123', 10);
    durations.length = 0;
    for (let round = 0; round < 5; round++) {
      await passwords.verify('guess', hash);
      await passwords.verify('guess', undefined);
    }
    const fastest = (start: number) => Math.min(...durations.filter((_, index) => index % 2 === start));
    // The fastest of five: what else the machine does only ever adds to it.
    expect(fastest(1) / fastest(0)).toBeGreaterThan(0.5);
    expect(fastest(1) / fastest(0)).toBeLessThan(2);
  });
});
