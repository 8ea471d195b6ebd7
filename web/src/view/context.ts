import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { App } from '../state/app.ts';
import type { Chat } from '../state/chat.ts';

export const AppContext = createContext<App | undefined>(undefined);
export const ChatContext = createContext<Chat | undefined>(undefined);

export function useApp(): App {
  return useContext(AppContext)!;
}

/** The chat of the user who is signed in; for views inside {@link ChatContext}. */
export function useChat(): Chat {
  return useContext(ChatContext)!;
}
