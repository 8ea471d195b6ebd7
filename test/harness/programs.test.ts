import { expect, test } from 'vitest';
import { dockerRun, findProgram, launcher } from './programs.ts';

test('a program is found in PATH', () => {
  expect(findProgram('sh')).toMatch(/\/sh$/);
  expect(findProgram('no-such-program-here')).toBeUndefined();
});

test('what is installed is started by its path', () => {
  const { command, args } = launcher('redis-server', { directories: [] });
  expect(command === 'docker' ? args.at(-1) : command).toMatch(/redis/);
});

test('in a container a program sees its directories, its variables, and the network of the host', () => {
  const args = dockerRun('haproxy', { directories: ['/a', '/b'], env: ['PORT'] });
  expect(args.join(' ')).toMatch(
    /^run --rm --init --network host (--user \d+:\d+ )?--volume \/a:\/a --volume \/b:\/b --env PORT --entrypoint haproxy haproxy:/,
  );
});
