import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Timeline } from './timeline.ts';

function started() {
  const directory = mkdtempSync(join(tmpdir(), 'chat-timeline-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'console.log');
  const lines: string[] = [];
  const timeline = new Timeline(file, (line) => lines.push(line));
  const write = (message: string) => appendFileSync(file, `time="…" level=info msg="${message}"\n`);
  return { file, lines, timeline, write };
}

test('what the VUs saw in one second is added up', () => {
  const { timeline, write } = started();
  timeline.read();
  write('timeline at=10500 vu=1 sockets=10 n.received=5 ms.same=8:3');
  write('timeline at=10900 vu=2 sockets=4 n.received=2 n.sent=1 ms.same=8:1,16:1');
  write('timeline at=11500 vu=1 sockets=9 n.received=1');
  timeline.read();
  const [first, second] = timeline.seconds;
  expect(first).toMatchObject({ at: 10, sockets: 14 });
  expect(Object.fromEntries(first!.counts)).toEqual({ received: 7, sent: 1 });
  expect(first!.times.get('same')!.total).toBe(5);
  expect(second).toMatchObject({ at: 11, sockets: 13 });
  expect(timeline.has('sent')).toBe(true);
  expect(timeline.has('gaps')).toBe(false);
});

test('a line that is written in two parts is read once it is whole', () => {
  const { file, timeline } = started();
  appendFileSync(file, 'msg="timeline at=10500 vu=1 soc');
  timeline.read();
  expect(timeline.seconds).toEqual([]);
  appendFileSync(file, 'kets=3"\n');
  timeline.read();
  expect(timeline.seconds).toMatchObject([{ at: 10, sockets: 3 }]);
});

test('what else the scripts print is handed on without the dress of the log', () => {
  const { timeline, lines, write } = started();
  write('client 3: the server said \\"no\\"');
  timeline.read();
  expect(lines).toEqual(['client 3: the server said "no"']);
});
