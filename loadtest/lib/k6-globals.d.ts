// What k6 has beside the language and @types/k6, as far as it is used here. There is no fetch, no URL and no process.

type Timer = { readonly timer: unique symbol };

declare function setTimeout(callback: (nothing: undefined) => void, ms: number): Timer;
declare function clearTimeout(timer: Timer | undefined): void;
declare function setInterval(callback: (nothing: undefined) => void, ms: number): Timer;
declare function clearInterval(timer: Timer | undefined): void;

declare const console: Record<'log' | 'warn' | 'error', (text: string) => void>;
