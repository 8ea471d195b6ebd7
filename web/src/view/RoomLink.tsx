import type { Message } from '@chat/protocol';
import { briefLabel } from '../model/dates.ts';
import { type RoomLine, unreadLabel } from '../model/room-line.ts';
import { hashOfRoom } from '../model/route.ts';
import { Avatar, OnlineDot } from './Avatar.tsx';
import { useChat } from './context.ts';
import { memo } from './memo.ts';

interface RoomLinkProps {
  line: RoomLine;
  open: boolean;
  focusable: boolean;
  /** Called also when it is open already. */
  onChoose(): void;
}

/** A line of the list of rooms. It is drawn anew when the line changed alone. */
export const RoomLink = memo(function RoomLink({ line, open, focusable, onChoose }: RoomLinkProps) {
  const chat = useChat();
  const name = useRoomName(line);
  const unread = line.unread > 0;

  return (
    <li>
      <a
        class={`room-link${open ? ' open' : ''}${unread ? ' unread' : ''}`}
        href={hashOfRoom(line.id)}
        aria-current={open ? 'page' : undefined}
        tabIndex={focusable ? 0 : -1}
        onClick={onChoose}
      >
        {line.peer === undefined ? (
          <span class="avatar small room" aria-hidden="true">
            #
          </span>
        ) : (
          <Avatar id={line.peer} name={name} small>
            <OnlineDot online={chat.people.online.value.has(line.peer)} />
          </Avatar>
        )}
        <span class="room-text">
          <span class="room-name" dir="auto">
            {name}
          </span>
          <Preview message={line.newest} />
        </span>
        <span class="room-side">
          {line.newest && <time>{briefLabel(line.newest.date)}</time>}
          {unread && (
            <span class="badge">
              {unreadLabel(line)}
              <span class="hidden"> unread</span>
            </span>
          )}
        </span>
      </a>
    </li>
  );
});

function Preview({ message }: { message: Message | undefined }) {
  const { people, me } = useChat();
  if (!message) return <span class="room-preview">No messages yet</span>;
  const from = message.from === me.id ? 'You' : people.name(message.from);
  return (
    <span class="room-preview">
      <bdi>{from}</bdi>: <bdi>{message.message.slice(0, 120)}</bdi>
    </span>
  );
}

/** The name of a named room, or of the other user of a private one. */
export function useRoomName({ id, name, peer }: Pick<RoomLine, 'id' | 'name' | 'peer'>): string {
  const { people } = useChat();
  if (peer !== undefined) return people.name(peer);
  return name ?? `Room ${id}`;
}
