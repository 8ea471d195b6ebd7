/** What a load test writes into a message: who sent it when, so that every receiver can account for it. */
export type Payload =
  | {
      kind: 'data';
      run: string;
      sender: number;
      /** 1, 2, 3 … of this sender in this room. */
      seq: number;
      /** Milliseconds since 1970 by the clock of the sender, which is the receiver's as well. */
      sentAt: number;
      /** The replica that the sender was connected to. */
      serverId: string;
    }
  | {
      /** The sender's last word in a room. */
      kind: 'end';
      run: string;
      sender: number;
      /** How many sequence numbers it used. */
      count: number;
      /** Those of them that were never acknowledged. */
      failed: number[];
    };

export type DataPayload = Extract<Payload, { kind: 'data' }>;
type EndPayload = Extract<Payload, { kind: 'end' }>;

const MARK = 'load';
/** Keeps the last word of a sender that failed with everything below the size limit of a message. */
const MAX_FAILED = 400;

/** @param bytes the text is filled up to this length */
export function encodeData(
  { run, sender, seq, sentAt, serverId }: Omit<DataPayload, 'kind'>,
  bytes = 0,
): string {
  return `${MARK} ${run} ${sender} ${seq} ${sentAt} ${serverId} `.padEnd(bytes, '.');
}

export function encodeEnd({ run, sender, count, failed }: Omit<EndPayload, 'kind'>): string {
  const list = failed.length === 0 ? '-' : failed.slice(0, MAX_FAILED).join(',');
  return `${MARK} ${run} ${sender} end ${count} ${list}`;
}

/** Undefined for a message that no load test wrote. */
export function decodePayload(text: string): Payload | undefined {
  // By index: taking an array apart by a pattern is a tenth of what k6 spends on a message.
  const parts = text.split(' ', 6);
  if (parts[0] !== MARK || parts.length < 6) return undefined;
  const run = parts[1]!;
  const sender = parts[2]!;
  const seq = parts[3]!;
  const fourth = parts[4]!;
  const fifth = parts[5]!;
  if (seq === 'end') {
    const failed = fifth === '-' ? [] : fifth.split(',').map(Number);
    return { kind: 'end', run, sender: Number(sender), count: Number(fourth), failed };
  }
  return {
    kind: 'data',
    run,
    sender: Number(sender),
    seq: Number(seq),
    sentAt: Number(fourth),
    serverId: fifth,
  };
}
