export * from './append.ts';
export * from './keys.ts';
export * from './pages.ts';
export * from './presence.ts';
export * from './rooms.ts';
export * from './timeline.ts';
