import { createMetrics } from '@chat/kit';
import { expect, it } from 'vitest';
import { Fanout, type Listener } from './fanout.ts';
import { RealtimeMetrics } from './metrics.ts';

class Recorder implements Listener {
  readonly frames: string[] = [];
  readonly errors: unknown[] = [];

  receive(frame: string): void {
    this.frames.push(frame);
  }

  failed(error: unknown): void {
    this.errors.push(error);
  }
}

class Broken extends Recorder {
  override receive(): void {
    throw new Error('gone');
  }
}

it('tells a listener that fails, and hands the frame to all others and the turn back to the caller', () => {
  const metrics = new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'fanout-test' }));
  const fanout = new Fanout([], metrics);
  const [before, broken, after] = [new Recorder(), new Broken(), new Recorder()];
  for (const listener of [before, broken, after]) fanout.listen('r/0', listener);
  fanout.publish('r/0', Buffer.from('{}'));
  expect([before.frames, after.frames]).toEqual([['{}'], ['{}']]);
  expect(broken.errors).toEqual([new Error('gone')]);
  expect([before.errors, after.errors]).toEqual([[], []]);
});

it('calls back before the next frame, once', () => {
  const metrics = new RealtimeMetrics(createMetrics({ service: 'realtime', serverId: 'fanout-before' }));
  const fanout = new Fanout([], metrics);
  const listener = new Recorder();
  fanout.listen('r/0', listener);
  fanout.beforeNext(() => fanout.unlisten('r/0', listener));
  fanout.publish('r/0', '{}');
  expect(listener.frames).toEqual([]);
  fanout.listen('r/0', listener);
  fanout.publish('r/0', '{}');
  expect(listener.frames).toEqual(['{}']);
});
