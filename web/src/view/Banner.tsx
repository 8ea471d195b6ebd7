import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useChat } from './context.ts';

/** Says what is wrong with the connection while something is. */
export function Banner() {
  const chat = useChat();
  const { state, reason } = chat.connection.state.value;
  if (chat.connection.offline.value) {
    return (
      <p class="banner" role="status">
        This browser is offline. Messages wait until it is back.
      </p>
    );
  }
  switch (state) {
    case 'degraded':
      return (
        <p class="banner" role="status">
          The chat’s database is away. Messages are queued, and go out in order when it is back.
        </p>
      );
    case 'waiting':
    case 'connecting':
      return chat.connection.lost.value ? (
        <p class="banner" role="status">
          No connection. Reconnecting
          <Countdown to={chat.connection.retryAt.value} /> Messages wait until then.
        </p>
      ) : null;
    case 'stopped':
      return (
        <p class="banner" role="status">
          The server refused the connection{reason ? `: ${reason}` : ''}.{' '}
          <button type="button" class="text-button" onClick={() => chat.connect()}>
            Try again
          </button>
        </p>
      );
    case 'idle':
    case 'online':
      return null;
  }
}

/** " in 3 s.", or "…" while it is tried. Not read out: it would be every second. */
function Countdown({ to }: { to: number | undefined }) {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 250);
    return () => clearInterval(timer);
  }, [now]);
  const seconds = to === undefined ? 0 : Math.ceil((to - now.value) / 1000);
  return <span aria-hidden="true">{seconds > 0 ? ` in ${seconds} s.` : '…'}</span>;
}
