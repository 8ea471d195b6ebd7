import http from 'k6/http';
import type { Message } from '../../packages/protocol/src/message.ts';
import { config } from './config.ts';

interface Gap {
  roomId: string;
  /** Dates: after the first, up to the second. */
  from: number;
  to: number;
  token: string;
}

const PAGE = 200;
const TRIES = 5;

/** Reads from the history what a resume was too short for, oldest first. */
export async function fetchGap(
  { roomId, from, to, token }: Gap,
  enter: (text: string) => void,
): Promise<void> {
  let last = from;
  while (last < to) {
    const page = await fetchPage(
      `${config.baseUrl}/room/${roomId}/messages?after=${last}&size=${PAGE}`,
      token,
    );
    for (const { date, message } of page) if (date <= to) enter(message);
    const newest = page.at(-1)?.date;
    if (newest === undefined) return;
    last = newest;
  }
}

async function fetchPage(url: string, token: string): Promise<Message[]> {
  for (let attempt = 1; ; attempt++) {
    const answer = await http
      .asyncRequest('GET', url, null, {
        headers: { Authorization: `Bearer ${token}` },
        tags: { name: '/room/{id}/messages' },
        responseType: 'text',
      })
      .catch(() => undefined);
    if (answer?.status === 200) return answer.json() as unknown as Message[];
    if (attempt === TRIES) throw new Error(`its history cannot be read: ${answer?.status ?? 'no answer'}`);
    await new Promise((resolve) => setTimeout(resolve, attempt * 200));
  }
}
