const MAX_DELAY_MS = 2000;

/** Delay before the nth attempt in a row, in milliseconds: doubles up to `maxMs`, the upper half of it by chance. */
export function reconnectDelay(attempt: number, maxMs: number = MAX_DELAY_MS): number {
  const ceiling = Math.min(maxMs, 50 * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
