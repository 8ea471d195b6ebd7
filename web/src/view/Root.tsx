import type { App } from '../state/app.ts';
import { AppContext, ChatContext } from './context.ts';
import { Shell } from './Shell.tsx';
import { SignIn } from './SignIn.tsx';

/** The page: a card to sign in, or the chat. */
export function Root({ app }: { app: App }) {
  return (
    <AppContext.Provider value={app}>
      <Content app={app} />
    </AppContext.Provider>
  );
}

function Content({ app }: { app: App }) {
  const state = app.session.state.value;
  const chat = app.chat.value;
  switch (state.kind) {
    case 'looking':
      return <main class="sign-in" aria-busy="true" />;
    case 'unreachable':
      return (
        <main class="sign-in">
          <h1 class="hidden">Chat</h1>
          <p class="notice" role="status">
            The server cannot be reached. Trying again…
          </p>
        </main>
      );
    case 'out':
      return <SignIn notice={state.notice} as={state.name} />;
    case 'in':
      return chat ? (
        <ChatContext.Provider key={chat.me.id} value={chat}>
          <Shell />
        </ChatContext.Provider>
      ) : null;
  }
}
