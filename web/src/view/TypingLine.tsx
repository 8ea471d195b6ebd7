import type { RoomId } from '@chat/protocol';
import { useChat } from './context.ts';

/** Who is writing here. It keeps its height, so that nothing jumps. */
export function TypingLine({ roomId }: { roomId: RoomId }) {
  const { typing, people } = useChat();
  const names = typing.now.value
    .filter((entry) => entry.roomId === roomId)
    .map((entry) => people.name(entry.from));
  return (
    <p class="typing">
      {names.length > 0 && (
        <>
          <span class="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {wordsFor(names)}
        </>
      )}
    </p>
  );
}

function wordsFor(names: string[]): string {
  const [first, second] = names;
  if (names.length === 1) return `${first} is typing…`;
  if (names.length === 2) return `${first} and ${second} are typing…`;
  return 'Several people are typing…';
}
