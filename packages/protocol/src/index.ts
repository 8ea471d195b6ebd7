export * from './close-codes.ts';
export * from './envelope.ts';
export * from './error-codes.ts';
export * from './frames.ts';
export * from './ids.ts';
export * from './limits.ts';
export * from './message.ts';
export * from './names.ts';
