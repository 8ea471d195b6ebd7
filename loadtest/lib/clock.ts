const POLL_MS = 50;

/** Resolves at a time in milliseconds since 1970; at once when it has passed. */
export async function sleepUntil(time: number): Promise<void> {
  const rest = time - Date.now();
  if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
}

/** Resolves when the condition holds or the deadline, which may move, has passed; true when it holds. */
export async function until(condition: () => boolean, deadline: () => number): Promise<boolean> {
  while (!condition()) {
    if (Date.now() >= deadline()) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}
