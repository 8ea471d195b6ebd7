import type { Latency, Ledger } from './generator/generator.ts';

/** What is wrong with a ledger, in words; empty when every message came once and in order to every member. */
export function complaints(ledger: Ledger): string[] {
  const { sent, acked, received, expected, gaps, duplicates, disorder, incomplete, errors, closed } = ledger;
  const found: string[] = [];
  if (acked !== sent) found.push(`${sent - acked} of ${sent} sends not acknowledged`);
  if (received !== expected) found.push(`${expected - received} of ${expected} deliveries missing`);
  if (gaps > 0) found.push(`${gaps} missed in a sequence`);
  if (duplicates > 0) found.push(`${duplicates} doubled or late`);
  if (disorder > 0) found.push(`${disorder} out of the room's order`);
  if (incomplete > 0) found.push(`${incomplete} incomplete`);
  if (errors > 0) found.push(`${errors} errors: ${ledger.firstError}`);
  if (closed > 0) found.push(`${closed} sockets closed, last with ${ledger.closeCode}`);
  return found;
}

/** Why a run does not count, in words; empty when it does. The latency is the one that the run is about. */
export function flaws(complaints: readonly string[], { count }: Latency): string[] {
  return count > 0 ? [...complaints] : [...complaints, 'nothing was timed'];
}
