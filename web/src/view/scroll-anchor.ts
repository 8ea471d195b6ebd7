/** A row of the list and where it is on the screen, to put it back there after the list changed. */
export interface Anchor {
  key: string;
  top: number;
}

/** The first row that is in sight. */
export function anchorOf(scroller: HTMLElement): Anchor | undefined {
  const { top } = scroller.getBoundingClientRect();
  for (const row of scroller.querySelectorAll<HTMLElement>('[data-key]')) {
    const box = row.getBoundingClientRect();
    if (box.bottom > top) return { key: row.dataset.key!, top: box.top };
  }
  return undefined;
}

/** Scrolls so that the row is where it was. */
export function restore(scroller: HTMLElement, { key, top }: Anchor): void {
  const row = scroller.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (row) scroller.scrollTop += row.getBoundingClientRect().top - top;
}

/** Pixels between what is in sight and the end. */
export function distanceToEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): number {
  return scrollHeight - scrollTop - clientHeight;
}
