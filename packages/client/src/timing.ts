/** The client's waiting times, in milliseconds. The defaults suit the server; tests shorten them. */
export interface Timing {
  /** From the start of a connection to hello, while there is another address to fall back to. */
  openMs: number;
  /** The same for the last address. */
  openLastMs: number;
  /** Between two pings: a browser sends none by itself, and balancers cut lines that are silent for 60 s. */
  pingMs: number;
  /** Without any frame for so long, a connection is dead. */
  deadMs: number;
  /** How long an answer may take when there is doubt about the connection (the device woke up, changed networks). */
  probeMs: number;
  /** A connection that held for so long resets the back-off. */
  stableMs: number;
  /** How long a missing message may be late before it is asked for: the server may be about to repair it itself. */
  askMs: number;
  /** How long after that it is given up. */
  giveUpMs: number;
  /** After so long without `resumed`, the resume is asked for again. */
  resumeMs: number;
  /** Between two typing frames of one room. */
  typingMs: number;
}

export const TIMING: Timing = {
  openMs: 5000,
  openLastMs: 15_000,
  pingMs: 25_000,
  deadMs: 60_000,
  probeMs: 5000,
  stableMs: 10_000,
  askMs: 250,
  giveUpMs: 5000,
  resumeMs: 15_000,
  typingMs: 2000,
};
