import type { UserId } from '@chat/protocol';
import { useSignal } from '@preact/signals';
import { Avatar, OnlineDot } from './Avatar.tsx';
import { useApp, useChat } from './context.ts';
import { Problem, wordsOf } from './Problem.tsx';

/** More names than these help nobody. */
const SHOWN = 200;

/** Who is online now. Choosing one opens a private room. */
export function People() {
  const app = useApp();
  const chat = useChat();
  const problem = useSignal<string | undefined>(undefined);
  const online = chat.people.online.value;
  const others = [...online].filter(([id]) => id !== chat.me.id).sort(([, a], [, b]) => a.localeCompare(b));

  async function talkTo(id: UserId): Promise<void> {
    try {
      app.open(await chat.talkTo(id));
      problem.value = undefined;
    } catch (error) {
      problem.value = wordsOf(error);
    }
  }

  return (
    <>
      <div class="section">
        <h2>Online · {online.size}</h2>
      </div>
      <Problem text={problem.value} />
      <ul class="people-list">
        {online.has(chat.me.id) && (
          <li class="person">
            <Avatar id={chat.me.id} name={chat.me.username} small>
              <OnlineDot online />
            </Avatar>
            <span class="grow">
              <bdi>{chat.me.username}</bdi> <span class="dim">you</span>
            </span>
          </li>
        )}
        {others.slice(0, SHOWN).map(([id, name]) => (
          <li key={id}>
            <button type="button" class="person" onClick={() => void talkTo(id)} title={`Write to ${name}`}>
              <Avatar id={id} name={name} small>
                <OnlineDot online />
              </Avatar>
              <span class="grow" dir="auto">
                {name}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {others.length > SHOWN && <p class="dim more">and {others.length - SHOWN} more</p>}
      {others.length === 0 && <p class="dim more">Nobody else yet.</p>}
    </>
  );
}
