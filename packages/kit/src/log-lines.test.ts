import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('./testing/log-process.ts', import.meta.url));

it.each(['exit', 'throw'])('writes every line in order before the process ends by %s', async (how) => {
  // A pipe of the shell, as it holds 64 KB, read when the process would have ended.
  const pipe = '"$0" --import tsx "$1" "$2" | (sleep 1; cat)';
  const output = await new Promise<string>((resolve) => {
    execFile('sh', ['-c', pipe, process.execPath, SCRIPT, how], { maxBuffer: 1 << 24 }, (_, stdout) =>
      resolve(stdout),
    );
  });
  const numbers = output
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { n: number }).n);
  expect(numbers).toEqual(Array.from({ length: 4000 }, (_, n) => n));
});
