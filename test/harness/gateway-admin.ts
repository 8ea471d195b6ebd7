import { createConnection } from 'node:net';

const TIMEOUT_MS = 5000;

/**
 * Runs one line of HAProxy's Runtime API and returns what it prints. Throws when HAProxy refuses the command:
 * a success prints nothing, or "New server registered." and the like.
 */
export async function runtimeApi(socketPath: string, command: string): Promise<string> {
  const answer = (await ask(socketPath, command)).trim();
  if (/unknown|invalid|not found|no such|fail|error|require|can't|cannot|already/i.test(answer)) {
    throw new Error(`haproxy refused "${command}": ${answer}`);
  }
  return answer;
}

function ask(socketPath: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('haproxy did not answer its admin socket')));
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
    socket.write(`${command}\n`);
  });
}
