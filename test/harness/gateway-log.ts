/** What HAProxy calls a level, as a level of pino. */
const LEVELS: Record<string, number> = { NOTICE: 30, WARNING: 40, ALERT: 50 };

/**
 * A line of HAProxy as JSON. Requests are JSON already (log-format in haproxy.cfg); what HAProxy says of itself, at its
 * start and of its servers, is text.
 */
export function toJsonLine(line: string): string {
  if (line.startsWith('{')) return line;
  const [, word = '', said = line] = /^\[(\w+)\]\s+\(\d+\) : (.*)$/.exec(line) ?? [];
  const level = LEVELS[word] ?? (/ is DOWN|has no server available/.test(said) ? 40 : 30);
  return JSON.stringify({ level, time: new Date().toISOString(), name: 'gateway', msg: said });
}
