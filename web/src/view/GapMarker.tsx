import { useSignal } from '@preact/signals';
import type { Gap } from '../model/room.ts';

/** Stands where messages are missing, and gets them. */
export function GapMarker({ gap, onFill }: { gap: Gap; onFill(gap: Gap): Promise<void> }) {
  const busy = useSignal(false);

  async function load(): Promise<void> {
    busy.value = true;
    await onFill(gap);
    busy.value = false;
  }

  return (
    <p class="gap" data-gap={gap.from}>
      <button type="button" class="button" disabled={busy.value} onClick={() => void load()}>
        {busy.value ? 'Loading…' : 'Messages are missing here. Load them'}
      </button>
    </p>
  );
}
