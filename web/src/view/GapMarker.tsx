import { useSignal } from '@preact/signals';

/** Stands where messages are missing, and gets them. */
export function GapMarker({ onFill }: { onFill(): Promise<void> }) {
  const busy = useSignal(false);

  async function load(): Promise<void> {
    busy.value = true;
    await onFill();
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
