import { GENERAL, privateMembers, type RoomId } from '@chat/protocol';
import { useSignal } from '@preact/signals';
import type { Room } from '../model/room.ts';
import { Banner } from './Banner.tsx';
import { Composer } from './Composer.tsx';
import { useApp, useChat } from './context.ts';
import { Icon } from './Icon.tsx';
import { roomsInDrawer } from './media.ts';
import { Problem, wordsOf } from './Problem.tsx';
import { useRoomName } from './RoomLink.tsx';
import type { Drawer } from './Shell.tsx';
import { StatusBrief } from './Status.tsx';
import { Timeline } from './Timeline.tsx';
import { TypingLine } from './TypingLine.tsx';

interface ConversationProps {
  openDrawer(which: Drawer): void;
  /** A drawer lies over it. */
  covered: boolean;
}

/** The open room. */
export function Conversation({ openDrawer, covered }: ConversationProps) {
  const { reading, rooms, ready } = useChat();
  const id = reading.openId.value;
  rooms.version(id);
  const room = rooms.get(id);

  return (
    <main class="conversation" inert={covered}>
      <header class="top">
        <button type="button" class="icon-button for-rooms" onClick={() => openDrawer('rooms')}>
          <Icon name="menu" />
          <span class="hidden">Rooms</span>
          <UnreadDot />
        </button>
        <div class="top-text">{room ? <Title room={room} /> : <h1>Chat</h1>}</div>
        <button type="button" class="icon-button for-people" onClick={() => openDrawer('people')}>
          <Icon name="people" />
          <span class="hidden">People online</span>
        </button>
      </header>
      <Banner />
      {room && <Timeline key={id} room={room} />}
      {room && <TypingLine roomId={id} />}
      {room && <Composer key={`write ${id}`} room={room} />}
      {!room && ready.value && <NoRoom id={id} />}
    </main>
  );
}

function Title({ room }: { room: Room }) {
  const { people } = useChat();
  const name = useRoomName(room);
  const about =
    room.peer === undefined
      ? room.id === GENERAL
        ? 'Everyone is here'
        : `Room ${room.id} · anyone can join by this number`
      : people.online.value.has(room.peer)
        ? 'Online'
        : 'Offline: finds your messages on coming back';
  return (
    <>
      <h1 dir="auto">{name}</h1>
      {roomsInDrawer.value ? <StatusBrief /> : <p class="dim">{about}</p>}
    </>
  );
}

/** On a phone: says that something is unread in the drawer. */
function UnreadDot() {
  const { rooms } = useChat();
  const count = rooms.unread.value;
  return count > 0 ? (
    <span class="unread-dot">
      <span class="hidden">{count} unread</span>
    </span>
  ) : null;
}

/** The address names a room that is not among the user's. */
function NoRoom({ id }: { id: RoomId }) {
  const app = useApp();
  const chat = useChat();
  const problem = useSignal<string | undefined>(undefined);

  async function join(): Promise<void> {
    try {
      await chat.joinRoom(id);
      chat.show(id);
    } catch (error) {
      problem.value = wordsOf(error);
    }
  }

  return (
    <div class="no-room">
      <h2>{privateMembers(id) ? 'This is not a room of yours.' : `You are not in room ${id}.`}</h2>
      <Problem text={problem.value} />
      <p class="no-room-ways">
        {!privateMembers(id) && (
          <button type="button" class="button primary" onClick={() => void join()}>
            Join room {id}
          </button>
        )}
        <button type="button" class="button" onClick={() => app.open(GENERAL)}>
          Go to General
        </button>
      </p>
    </div>
  );
}
