const DAY_MS = 86_400_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const anyYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** The local calendar day of a date (seconds), as a number that differs from day to day. */
export function dayOf(seconds: number): number {
  const date = new Date(seconds * 1000);
  return date.getFullYear() * 10_000 + (date.getMonth() + 1) * 100 + date.getDate();
}

/** "Today", "Yesterday", or the day in the reader's language. `now` is in milliseconds. */
export function dayLabel(seconds: number, now = Date.now()): string {
  const day = dayOf(seconds);
  if (day === dayOf(now / 1000)) return 'Today';
  if (day === dayOf((now - DAY_MS) / 1000)) return 'Yesterday';
  const sameYear = Math.floor(day / 10_000) === new Date(now).getFullYear();
  return format(sameYear ? thisYear : anyYear, seconds);
}

export function timeLabel(seconds: number): string {
  return format(clock, seconds);
}

/** The time without "AM" or "PM", for a margin with room for five characters beside a time that has it. */
export function marginLabel(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return '?';
  const parts = clock.formatToParts(date).filter((part) => part.type !== 'dayPeriod');
  return parts
    .map((part) => part.value)
    .join('')
    .trim();
}

export function fullLabel(seconds: number): string {
  return format(full, seconds);
}

/** The time of today's, the day of older ones: for a list with little room. */
export function briefLabel(seconds: number, now = Date.now()): string {
  return dayOf(seconds) === dayOf(now / 1000) ? timeLabel(seconds) : format(short, seconds);
}

// A foreign server may have written a date that no calendar has.
function format(formatter: Intl.DateTimeFormat, seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? '?' : formatter.format(date);
}
