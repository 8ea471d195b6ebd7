import { useSignal } from '@preact/signals';
import { namedLines, privateLines, type RoomLine } from '../model/room-line.ts';
import { Avatar } from './Avatar.tsx';
import { useApp, useChat } from './context.ts';
import { Icon } from './Icon.tsx';
import { Problem, wordsOf } from './Problem.tsx';
import { RoomLink } from './RoomLink.tsx';
import { Status } from './Status.tsx';

interface SidebarProps {
  /** A room is to be created or joined. */
  onAdd(): void;
  /** A room was chosen. */
  onChoose(): void;
}

/** The rooms, who one is, and how the connection does. */
export function Sidebar(actions: SidebarProps) {
  return (
    <>
      <RoomList {...actions} />
      <footer class="me">
        <Status />
        <Me />
      </footer>
    </>
  );
}

function RoomList({ onAdd, onChoose }: SidebarProps) {
  const { rooms, reading } = useChat();
  const lines = rooms.lines.value;
  const named = namedLines(lines);
  const direct = privateLines(lines);
  const open = reading.openId.value;
  // One stop for the Tab key; the arrow keys go from room to room.
  const stop = lines.some((line) => line.id === open) ? open : named[0]?.id;

  const link = (line: RoomLine) => (
    <RoomLink
      key={line.id}
      line={line}
      open={line.id === open}
      focusable={line.id === stop}
      onChoose={onChoose}
    />
  );

  return (
    <nav class="rooms-nav" aria-label="Rooms" onKeyDown={moveFocus}>
      <div class="section">
        <h2>Rooms</h2>
        <button type="button" class="icon-button" onClick={onAdd} aria-label="Create or join a room">
          <Icon name="plus" />
        </button>
      </div>
      <ul>{named.map(link)}</ul>
      {direct.length > 0 && (
        <>
          <div class="section">
            <h2>Direct messages</h2>
          </div>
          <ul>{direct.map(link)}</ul>
        </>
      )}
    </nav>
  );
}

function moveFocus(event: KeyboardEvent): void {
  const nav = event.currentTarget as HTMLElement;
  const links = [...nav.querySelectorAll<HTMLElement>('a')];
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const next = targetOf(event.key, at, links.length - 1);
  if (next === undefined) return;
  event.preventDefault();
  links[next]?.focus();
}

function targetOf(key: string, at: number, last: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return Math.min(at + 1, last);
    case 'ArrowUp':
      return Math.max(at - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return undefined;
  }
}

function Me() {
  const app = useApp();
  const { me } = useChat();
  const problem = useSignal<string | undefined>(undefined);

  async function signOut(): Promise<void> {
    try {
      await app.signOut();
    } catch (error) {
      problem.value = wordsOf(error);
    }
  }

  return (
    <>
      <Problem text={problem.value} />
      <div class="me-line">
        <Avatar id={me.id} name={me.username} small />
        <span class="grow" dir="auto">
          {me.username}
        </span>
        <button
          type="button"
          class="icon-button"
          onClick={() => void signOut()}
          aria-label="Sign out"
          title="Sign out"
        >
          <Icon name="leave" />
        </button>
      </div>
    </>
  );
}
