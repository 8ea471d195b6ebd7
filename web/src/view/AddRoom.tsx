import type { RoomId } from '@chat/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { useApp, useChat } from './context.ts';
import { Icon } from './Icon.tsx';
import { Problem, wordsOf } from './Problem.tsx';

/** A dialog with two ways to a room: a new one, or one that exists, by its number. */
export function AddRoom({ onClose }: { onClose(): void }) {
  const app = useApp();
  const chat = useChat();
  const dialog = useRef<HTMLDialogElement>(null);
  const problem = useSignal<string | undefined>(undefined);

  useEffect(() => {
    dialog.current?.showModal();
    // The browser would give it to the first control, which is the one that closes.
    dialog.current?.querySelector('input')?.focus();
  }, []);

  async function go(way: () => Promise<RoomId>): Promise<void> {
    try {
      app.open(await way());
      onClose();
    } catch (error) {
      problem.value = wordsOf(error);
    }
  }

  return (
    <dialog ref={dialog} class="dialog" onClose={onClose} aria-labelledby="add-room">
      <header>
        <h2 id="add-room">Add a room</h2>
        <button type="button" class="icon-button" onClick={onClose} aria-label="Close">
          <Icon name="close" />
        </button>
      </header>
      <OneField
        id="room-name"
        label="Name of a new room"
        action="Create"
        onSubmit={(name) => go(() => chat.createRoom(name))}
      />
      <OneField
        id="room-number"
        label="Number of a room that exists"
        action="Join"
        numeric
        onSubmit={(number) => go(() => chat.joinRoom(number.trim().replace(/^#/, '')))}
      />
      <Problem text={problem.value} />
    </dialog>
  );
}

interface OneFieldProps {
  id: string;
  label: string;
  action: string;
  numeric?: boolean;
  onSubmit(value: string): Promise<void>;
}

function OneField({ id, label, action, numeric, onSubmit }: OneFieldProps) {
  const value = useSignal('');
  const busy = useSignal(false);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    await onSubmit(value.value);
    busy.value = false;
  }

  return (
    <form onSubmit={(event) => void submit(event)}>
      <div class="field">
        <label for={id}>{label}</label>
        <div class="line">
          <input
            id={id}
            class="input"
            required
            autocomplete="off"
            dir="auto"
            inputMode={numeric ? 'numeric' : undefined}
            value={value.value}
            onInput={(event) => {
              value.value = event.currentTarget.value;
            }}
          />
          <button type="submit" class="button" disabled={busy.value}>
            {action}
          </button>
        </div>
      </div>
    </form>
  );
}
