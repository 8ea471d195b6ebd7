import type { HelloRoom } from '@chat/protocol';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { ChatClient, type ChatClientOptions } from '../src/client.ts';
import type { ChatEvents } from '../src/events.ts';
import { Inbox } from './inbox.ts';
import { general, type Peer, type Visit } from './peer.ts';

/** A client that is closed when the test is over, and reconnects without delay unless told otherwise. */
export function newChat(options: ChatClientOptions): ChatClient {
  const chat = new ChatClient({ WebSocket, backoff: { minMs: 1, maxMs: 20 }, ...options });
  onTestFinished(() => chat.close());
  return chat;
}

/** A connected client and the server's side of its connection, after hello. */
export async function connected(
  peer: Peer,
  rooms: HelloRoom[] = [general()],
  options: ChatClientOptions = {},
): Promise<{ chat: ChatClient; visit: Visit }> {
  const chat = newChat({ url: peer.url, ...options });
  const hello = once(chat, 'hello');
  chat.connect();
  const visit = await peer.visit();
  visit.hello(rooms);
  await hello;
  return { chat, visit };
}

export function once<Name extends keyof ChatEvents>(chat: ChatClient, name: Name): Promise<ChatEvents[Name]> {
  return new Promise((resolve) => {
    const off = chat.on(name, (data) => {
      off();
      resolve(data);
    });
  });
}

/** All events of a name from now on. */
export function collect<Name extends keyof ChatEvents>(
  chat: ChatClient,
  name: Name,
): Inbox<ChatEvents[Name]> {
  const inbox = new Inbox<ChatEvents[Name]>();
  chat.on(name, (data) => inbox.add(data));
  return inbox;
}

/** Messages and gaps in the order in which they are told, as short texts. */
export function story(chat: ChatClient): Inbox<string> {
  const inbox = new Inbox<string>();
  chat.on('message', ({ date }) => inbox.add(`${date}`));
  chat.on('gap', ({ from, to }) => inbox.add(`gap ${from}..${to}`));
  return inbox;
}

export async function take<Item>(inbox: Inbox<Item>, count: number): Promise<Item[]> {
  const items: Item[] = [];
  while (items.length < count) items.push(await inbox.next());
  return items;
}
