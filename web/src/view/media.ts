import { type ReadonlySignal, signal } from '@preact/signals';

/** The list of rooms is a drawer, and so is the list of people. Widths as in layout.css. */
export const roomsInDrawer = media('(max-width: 759px)');
export const peopleInDrawer = media('(max-width: 1079px)');
/** A mouse or the like: then a field may take the focus without a keyboard covering half of the page. */
export const finePointer = media('(pointer: fine)');

/** True once the browser says so; it follows the browser from then on. */
function media(query: string): ReadonlySignal<boolean> {
  const list = window.matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener('change', (event) => {
    matches.value = event.matches;
  });
  return matches;
}
