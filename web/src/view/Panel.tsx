import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './Icon.tsx';

interface PanelProps {
  name: 'rooms' | 'people';
  label: string;
  /** True where it lies over the page instead of beside it. */
  drawer: boolean;
  open: boolean;
  onClose(): void;
  children: ComponentChildren;
}

/** A column at the side. As a drawer it takes the focus, closes with Escape, and gives the focus back. */
export function Panel({ name, label, drawer, open, onClose, children }: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  const shown = drawer && open;

  // Before the browser takes the focus away from what the panel covers.
  useLayoutEffect(() => {
    if (!shown) return;
    const opener = document.activeElement;
    const find = (selector: string) => panel.current?.querySelector<HTMLElement>(selector);
    (find('[aria-current]') ?? find('a, button'))?.focus();
    const onKey = (event: KeyboardEvent) => {
      // A dialog that was opened from here closes first.
      if (event.key === 'Escape' && !document.querySelector('dialog[open]')) onClose();
    };
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
      // The browser may have taken the focus from the panel already: then nothing has it.
      const { activeElement: now } = document;
      const lost = now === null || now === document.body || panel.current?.contains(now);
      if (lost) (opener as HTMLElement | null)?.focus();
    };
  }, [shown, onClose]);

  return (
    <>
      {shown && <button type="button" class="backdrop" tabIndex={-1} onClick={onClose} aria-label="Close" />}
      <aside
        ref={panel}
        class={`panel ${name}${drawer ? ' drawer' : ''}${shown ? ' open' : ''}`}
        aria-label={label}
        inert={drawer && !open}
      >
        {drawer && (
          <button type="button" class="icon-button panel-close" onClick={onClose} aria-label="Close">
            <Icon name="close" />
          </button>
        )}
        {children}
      </aside>
    </>
  );
}
