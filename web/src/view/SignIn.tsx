import { LIMITS } from '@chat/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from './context.ts';
import { Icon } from './Icon.tsx';
import { Problem, wordsOf } from './Problem.tsx';

const DEMO_USERS = ['Pablo', 'Joe', 'Mary', 'Alex'];
const DEMO_PASSWORD = 'password123';

interface SignInProps {
  /** Why one has to sign in again. */
  notice: string | undefined;
  /** The name of who was signed in before. */
  as: string | undefined;
}

/** The card where one enters. An unknown name is registered, as the server does it. */
export function SignIn({ notice, as = '' }: SignInProps) {
  const app = useApp();
  const name = useSignal(as);
  const password = useSignal('');
  const problem = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);
  const first = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (!app.embedded) first.current?.focus();
  }, [app]);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    problem.value = undefined;
    try {
      await app.session.signIn(name.value, password.value);
    } catch (error) {
      problem.value = wordsOf(error);
    }
    busy.value = false;
  }

  async function pickName(): Promise<void> {
    try {
      name.value = await app.api.randomName();
      problem.value = undefined;
    } catch (error) {
      problem.value = wordsOf(error);
    }
  }

  function be(demo: string): void {
    name.value = demo;
    password.value = DEMO_PASSWORD;
  }

  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>
          <img src="./icon.svg" alt="" width="32" height="32" />
          Sign in to the chat
        </h1>
        {notice && (
          <p class="notice" role="status">
            {notice}
          </p>
        )}
        <Problem text={problem.value} />
        <div class="field">
          <label for="name">Name</label>
          <div class="line">
            <input
              ref={first}
              id="name"
              class="input"
              name="username"
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              dir="auto"
              required
              value={name.value}
              onInput={(event) => {
                name.value = event.currentTarget.value;
              }}
            />
            <button type="button" class="button" title="Random name" onClick={() => void pickName()}>
              <Icon name="dice" />
              <span class="hidden">Random name</span>
            </button>
          </div>
        </div>
        <div class="field">
          <label for="password">Password</label>
          <input
            id="password"
            class="input"
            type="password"
            name="password"
            autocomplete="current-password"
            aria-describedby="password-rule"
            required
            value={password.value}
            onInput={(event) => {
              password.value = event.currentTarget.value;
            }}
          />
          <p id="password-rule" class="lead">
            A new name is registered with it: at least {LIMITS.passwordBytes.min} characters.
          </p>
        </div>
        <button type="submit" class="button primary" disabled={busy.value}>
          {busy.value ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      <p class="hint">
        To look around, be{' '}
        {DEMO_USERS.map((demo, index) => (
          <>
            {index > 0 && (index === DEMO_USERS.length - 1 ? ' or ' : ', ')}
            <button key={demo} type="button" class="text-button" onClick={() => be(demo)}>
              {demo}
            </button>
          </>
        ))}{' '}
        with the password {DEMO_PASSWORD}.
      </p>
    </main>
  );
}
