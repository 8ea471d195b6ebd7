// Run by closing.test.ts: closes a client in the state that is asked for, and must then end by itself.
import { WebSocket } from 'ws';
import { ChatClient } from '../src/client.ts';

const [url, state] = process.argv.slice(2);
const chat = new ChatClient({
  url: url!,
  WebSocket,
  backoff: { minMs: 600_000, maxMs: 600_000 },
  random: () => 0.9,
});
chat.on('message', close);
if (state !== 'online') {
  chat.on('state', (change) => {
    if (change.state === state) close();
  });
}
chat.send('0', 'never acknowledged').catch(({ code }) => console.log(code));
chat.join('3').catch(({ code }) => console.log(code));
chat.typing('0');
chat.connect();

function close(): void {
  chat.close();
  const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  console.log(`${chat.state} with ${timers} timers`);
}
