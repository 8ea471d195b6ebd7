import { createRequire } from 'node:module';

// A CommonJS module whose exports Node cannot name from outside: it picks a binary at run time.
const uWS = createRequire(import.meta.url)('uWebSockets.js') as typeof import('uWebSockets.js');

export const { App, DISABLED, us_listen_socket_close, us_socket_local_port } = uWS;
