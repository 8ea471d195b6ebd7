import { utf8Length } from '@chat/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Room } from '../model/room.ts';
import { useApp, useChat } from './context.ts';
import { Icon } from './Icon.tsx';
import { finePointer } from './media.ts';
import { useRoomName } from './RoomLink.tsx';

/** Bytes that are left are shown from here on. */
const NEARLY_FULL = 300;

/** Where one writes. Enter sends, Shift and Enter begin a new line. */
export function Composer({ room }: { room: Room }) {
  const app = useApp();
  const chat = useChat();
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSignal(chat.drafts.get(room.id));
  const imagePasted = useSignal(false);
  const name = useRoomName(room);
  const left = chat.messageBytes.value - utf8Length(text.value);
  const sendable = text.value.trim() !== '' && left >= 0;

  useEffect(() => {
    if (!app.embedded && finePointer.peek()) field.current?.focus();
  }, [app]);

  useLayoutEffect(() => {
    const { current } = field;
    if (!current) return;
    current.style.height = 'auto';
    current.style.height = `${current.scrollHeight + 2}px`;
  }, [text.value]);

  function write(value: string): void {
    text.value = value;
    imagePasted.value = false;
    chat.drafts.set(room.id, value);
  }

  function send(): void {
    if (!sendable) return;
    chat.reading.divider.value = undefined;
    chat.sending.send(room, text.value.trim());
    write('');
    field.current?.focus();
  }

  /** Programs that copy an image beside its text have that text pasted. */
  function onPaste(event: ClipboardEvent): void {
    const { types = [], files = [] } = event.clipboardData ?? {};
    imagePasted.value =
      !types.includes('text/plain') && [...files].some(({ type }) => type.startsWith('image/'));
  }

  function onKeyDown(event: KeyboardEvent): void {
    // While an input method composes, Enter chooses a word.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label class="hidden" for="message">
        Message to {name}
      </label>
      <textarea
        ref={field}
        id="message"
        rows={1}
        dir="auto"
        autocomplete="off"
        enterkeyhint="send"
        placeholder={`Message ${name}`}
        aria-describedby="bytes-left"
        aria-invalid={left < 0}
        value={text.value}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
        onInput={(event) => {
          write(event.currentTarget.value);
          if (text.value !== '') chat.typed();
        }}
      />
      <span id="bytes-left" class={left < 0 ? 'bytes-left over' : 'bytes-left'} aria-live="polite">
        {left < NEARLY_FULL && (left < 0 ? `${-left} bytes too long` : `${left} bytes left`)}
      </span>
      {imagePasted.value && (
        <p class="composer-note" role="status">
          Images cannot be sent here. A link to one can.
        </p>
      )}
      <button type="submit" class="send" disabled={!sendable} aria-label="Send">
        <Icon name="send" />
      </button>
    </form>
  );
}
