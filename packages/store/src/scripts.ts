import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/**
 * A Lua script under lua/, defined on a connection at its first use there.
 *
 * @returns the script's reply as ioredis gives it: strings, integers and arrays of them.
 */
export type Script = (redis: Redis, keysAndArgs: readonly (string | number)[]) => Promise<unknown>;

type Command = (...args: (string | number)[]) => Promise<unknown>;

/**
 * Loads lua/{name}.lua. ioredis sends it by its SHA-1 once the connection has it, and again in full after a
 * NOSCRIPT reply.
 *
 * @param numberOfKeys undefined: the first argument says it at each call
 */
export function loadScript(name: string, numberOfKeys?: number): Script {
  const lua = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  const command = `chat_${name.replaceAll('-', '_')}`;
  return (redis, keysAndArgs) => {
    const commands = redis as unknown as Record<string, Command>;
    if (commands[command] === undefined) redis.defineCommand(command, { numberOfKeys, lua });
    return commands[command]!(...keysAndArgs);
  };
}
