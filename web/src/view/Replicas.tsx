import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** Frames at most: more are too narrow to read. */
const MOST = 6;
const LOOK_MS = 5000;

interface Replica {
  number: number;
  alive: boolean;
}

/** Undefined until it is known how many there are; one that goes away keeps its frame, where one sees it reconnect. */
const replicas = signal<readonly Replica[] | undefined>(undefined);

/** Each replica's own page side by side: what is typed in one arrives in the others. */
export function Replicas() {
  useEffect(() => {
    void look();
    const timer = setInterval(() => void look(), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const found = replicas.value;

  return (
    <div class="replicas">
      <header class="replicas-top">
        <h1>One chat, {found ? counted(found.length) : 'its replicas'}</h1>
        <p>Each frame is connected to a process of its own. Write in one, and see it arrive in the others.</p>
        <a href="/">Open the chat alone</a>
      </header>
      <main class="frames">
        {found?.map((replica) => (
          <Frame key={replica.number} replica={replica} />
        ))}
        {found?.length === 0 && (
          <p class="frames-none">
            No replica answers under /replica/1/. This page is meant to be opened at the gateway’s address.
          </p>
        )}
      </main>
    </div>
  );
}

function Frame({ replica: { number, alive } }: { replica: Replica }) {
  return (
    <section class="frame" aria-label={`Replica ${number}`}>
      <h2>
        <span class={alive ? 'dot online' : 'dot'} />
        Replica {number}
        {!alive && <span class="frame-away"> is away</span>}
      </h2>
      <iframe src={`/replica/${number}/`} title={`The chat on replica ${number}`} />
    </section>
  );
}

async function look(): Promise<void> {
  const known = replicas.peek();
  if (known) {
    const numbers = known.map(({ number }) => number);
    const states = await Promise.all(numbers.map(stateOf));
    replicas.value = numbers.map((number, index) => ({ number, alive: states[index] === 'alive' }));
    return;
  }
  const found: Replica[] = [];
  for (let number = 1; number <= MOST; number++) {
    const state = await stateOf(number);
    if (state === 'none') break;
    found.push({ number, alive: state === 'alive' });
  }
  replicas.value = found;
}

/** The gateway answers 404 for a number that it has no replica for, and 503 for one that is down. */
async function stateOf(number: number): Promise<'alive' | 'away' | 'none'> {
  try {
    const { ok, status } = await fetch(`/replica/${number}/healthz`, { cache: 'no-store' });
    if (ok) return 'alive';
    return status === 404 ? 'none' : 'away';
  } catch {
    return 'away';
  }
}

function counted(count: number): string {
  return count === 1 ? 'one replica' : `${count} replicas`;
}
