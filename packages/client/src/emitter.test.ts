import { expect, test } from 'vitest';
import { Emitter } from './emitter.ts';

test('handlers are called in their order until they are taken off', () => {
  const emitter = new Emitter<{ word: string }>();
  const heard: string[] = [];
  const off = emitter.on('word', (word) => heard.push(`first ${word}`));
  emitter.on('word', (word) => heard.push(`second ${word}`));
  emitter.emit('word', 'a');
  off();
  emitter.emit('word', 'b');
  expect(heard).toEqual(['first a', 'second a', 'second b']);
});

test('a handler registered twice is called twice, and taken off one by one', () => {
  const emitter = new Emitter<{ word: string }>();
  let calls = 0;
  const handler = () => calls++;
  const off = emitter.on('word', handler);
  emitter.on('word', handler);
  emitter.emit('word', 'a');
  off();
  emitter.emit('word', 'b');
  expect(calls).toBe(3);
});

test('a handler may take itself off while it is called', () => {
  const emitter = new Emitter<{ word: string }>();
  const heard: string[] = [];
  const off = emitter.on('word', () => off());
  emitter.on('word', (word) => heard.push(word));
  emitter.emit('word', 'a');
  expect(heard).toEqual(['a']);
});

test('what one handler throws reaches the process, and the others are called', async () => {
  const emitter = new Emitter<{ word: string }>();
  const heard: string[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
    emitter.on('word', () => {
      throw new Error('a fault of the page');
    });
    emitter.on('word', (word) => heard.push(word));
    emitter.emit('word', 'a');
    expect(heard).toEqual(['a']);
    expect(await thrown).toMatchObject({ message: 'a fault of the page' });
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
});
