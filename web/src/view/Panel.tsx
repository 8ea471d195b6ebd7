import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
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

  useEffect(() => {
    if (!shown) return;
    const opener = document.activeElement;
    panel.current?.querySelector<HTMLElement>('[aria-current], a, button')?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onClose();
    };
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
      if (panel.current?.contains(document.activeElement)) (opener as HTMLElement | null)?.focus();
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
