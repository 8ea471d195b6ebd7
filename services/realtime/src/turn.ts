let current = 0;
let counting = false;

/** The number of the running turn of the event loop: the same for all that happens before the loop polls again. */
export function turn(): number {
  if (!counting) {
    counting = true;
    current++;
    setImmediate(endTurn);
  }
  return current;
}

function endTurn(): void {
  counting = false;
}
