const PATHS = {
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  people:
    'M7.5 9.5a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5ZM2.5 16c.4-2.8 2.5-4.25 5-4.25s4.6 1.45 5 4.25M13 4.3a2.6 2.6 0 0 1 0 5M14.5 12c1.8.5 2.8 1.9 3 4',
  plus: 'M10 4v12M4 10h12',
  close: 'M5 5l10 10M15 5L5 15',
  send: 'M3.5 16.5l13.5-6.5L3.5 3.5l1.8 6.5-1.8 6.5ZM5.3 10h5.7',
  down: 'M10 4v12M5 11l5 5 5-5',
  leave: 'M8 3.5H5A1.5 1.5 0 0 0 3.5 5v10A1.5 1.5 0 0 0 5 16.5h3M8.5 10h8M13.5 7l3 3-3 3',
  dice: 'M4.5 3.5h11a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1ZM7 7h.01M13 7h.01M10 10h.01M7 13h.01M13 13h.01',
  link: 'M8.5 11.5a3 3 0 0 0 4.3 0l2.8-2.8a3 3 0 0 0-4.3-4.3l-.9.9M11.5 8.5a3 3 0 0 0-4.3 0l-2.8 2.8a3 3 0 0 0 4.3 4.3l.9-.9',
} as const;

/** A line drawing beside a text or in a labelled button: it says nothing of its own to a screen reader. */
export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
