import { useSignal } from '@preact/signals';
import type { Gap, Room } from '../model/room.ts';
import { useChat } from './context.ts';

/** Stands where messages are missing, and gets them. */
export function GapMarker({ room, gap }: { room: Room; gap: Gap }) {
  const { history } = useChat();
  const busy = useSignal(false);

  async function load(): Promise<void> {
    busy.value = true;
    await history.fill(room, gap);
    busy.value = false;
  }

  return (
    <p class="gap">
      <button type="button" class="button" disabled={busy.value} onClick={() => void load()}>
        {busy.value ? 'Loading…' : 'Messages are missing here. Load them'}
      </button>
    </p>
  );
}
