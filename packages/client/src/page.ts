/** Calls back when the page comes into view again or the network comes or goes; off a page it does nothing. */
export function onWake(wake: () => void): () => void {
  const { document } = globalThis as { document?: Document };
  const seen = () => {
    if (document?.visibilityState === 'visible') wake();
  };
  globalThis.addEventListener?.('online', wake);
  globalThis.addEventListener?.('offline', wake);
  document?.addEventListener('visibilitychange', seen);
  return () => {
    globalThis.removeEventListener?.('online', wake);
    globalThis.removeEventListener?.('offline', wake);
    document?.removeEventListener('visibilitychange', seen);
  };
}
