import type { TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { us_listen_socket_close, us_socket_local_port } from './uws.ts';

/** uSockets' option: without it a socket is opened with SO_REUSEPORT. */
const EXCLUSIVE_PORT = 1;

export interface Listening {
  port: number;
  close(): void;
}

/**
 * Listens on a port; 0 takes a free one.
 *
 * @param shared other processes may listen on it as well (SO_REUSEPORT): the kernel spreads connections over them
 * @throws Error when the port cannot be had
 */
export function listen(app: TemplatedApp, host: string, port: number, shared: boolean): Promise<Listening> {
  const options = shared ? 0 : EXCLUSIVE_PORT;
  return new Promise((resolve, reject) => {
    const opened = (socket: us_listen_socket | false) => {
      if (socket)
        resolve({ port: us_socket_local_port(socket), close: () => us_listen_socket_close(socket) });
      else reject(new Error(`port ${port} of ${host} cannot be had: is it in use?`));
    };
    // The typings know no host beside options; uWebSockets.js does.
    (app.listen as (...args: unknown[]) => void)(host, port, options, opened);
  });
}
