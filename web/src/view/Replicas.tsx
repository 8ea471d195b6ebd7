import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

const LOOK_MS = 3000;
/** A replica without an answer for so long is frozen. The gateway takes 2 s to find out that one is down. */
const ANSWER_MS = 4000;

type State = 'answering' | 'silent' | 'down';

interface Replica {
  number: number;
  state: State;
}

const WORDS: Record<State, { dot: string; text: string }> = {
  answering: { dot: 'online', text: 'Answering' },
  silent: { dot: 'waiting', text: 'Not answering' },
  down: { dot: '', text: 'Down' },
};

/** One that goes away keeps its frame, where one sees it reconnect. */
const replicas = signal<readonly Replica[]>([]);
/** True once it is known how many there are. */
const counted = signal(false);

/** Each replica's own page side by side: what is typed in one arrives in the others. */
export function Replicas() {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const watch = async () => {
      await look();
      timer = setTimeout(() => void watch(), LOOK_MS);
    };
    void count().then(watch);
    return () => clearTimeout(timer);
  }, []);
  const found = replicas.value;

  return (
    <div class="replicas">
      <header class="replicas-top">
        <h1>One chat, {counted.value ? countOf(found.length) : 'its replicas'}</h1>
        <p>Each frame is connected to a process of its own. Write in one, and see it arrive in the others.</p>
        <a href="/">Open the chat alone</a>
      </header>
      <main class="frames">
        {found.map((replica) => (
          <Frame key={replica.number} replica={replica} />
        ))}
        {counted.value && found.length === 0 && (
          <p class="frames-none">
            No replica answers under /replica/1/. This page is meant to be opened at the gateway’s address.
          </p>
        )}
      </main>
    </div>
  );
}

function Frame({ replica: { number, state } }: { replica: Replica }) {
  const { dot, text } = WORDS[state];
  // From its first answer on: before that there is no page to show.
  const seen = useRef(false);
  seen.current ||= state === 'answering';
  return (
    <section class={`frame ${state}`} aria-label={`Replica ${number}`}>
      <h2>
        <span class={`dot ${dot}`} />
        Replica {number}
        <span class="frame-state">{text}</span>
      </h2>
      {seen.current ? (
        <iframe src={`/replica/${number}/`} title={`The chat on replica ${number}`} loading="lazy" />
      ) : (
        <p class="frames-none">Its page is shown here once it answers.</p>
      )}
    </section>
  );
}

/** Asks for one replica after the other, up to the first one that there is not, and shows each that is found. */
async function count(): Promise<void> {
  for (let number = 1; ; ) {
    const state = await stateOf(number);
    if (state === 'none') break;
    if (state === 'no gateway') await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    else replicas.value = [...replicas.peek(), { number: number++, state }];
  }
  counted.value = true;
}

async function look(): Promise<void> {
  const looks = replicas.peek().map(async ({ number, state }): Promise<Replica> => {
    const now = await stateOf(number);
    if (now === 'none') return { number, state };
    return { number, state: now === 'no gateway' ? 'down' : now };
  });
  replicas.value = await Promise.all(looks);
}

/** The gateway answers 404 for a number that it has no replica for, and 503 for one that is down. */
async function stateOf(number: number): Promise<State | 'none' | 'no gateway'> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { ok, status } = await fetch(`/replica/${number}/healthz`, { cache: 'no-store', signal });
    if (ok) return 'answering';
    return status === 404 ? 'none' : 'down';
  } catch (error) {
    return error instanceof DOMException && error.name === 'TimeoutError' ? 'silent' : 'no gateway';
  }
}

function countOf(count: number): string {
  return count === 1 ? 'one replica' : `${count} replicas`;
}
