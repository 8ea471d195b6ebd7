/** `npm run chaos` runs everything at its full size; `npm test` runs a selection, smaller. */
export const FULL = process.env.CHAOS === 'full';

/** @returns the first value in `npm run chaos`, the second one in `npm test` */
export function scaled<T>(full: T, short: T): T {
  return FULL ? full : short;
}

/** What a test waits for comes within this time, also on a machine that has other things to do. */
export const SOON = { timeout: 60_000, interval: 50 } as const;

/**
 * The promise: whatever dies, presence is right again within 10 s. Where other tests run beside it, each stall of the
 * processes that are left adds to that.
 */
export const PRESENCE_MS = scaled(10_000, 25_000);
