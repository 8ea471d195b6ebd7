/** Sizes that hold always; rates and counts that LIMITS=off lifts are configured per service. */
export const LIMITS = {
  /** Bytes of a message's text in UTF-8. */
  messageBytes: 4096,
  /** Bytes of one WebSocket frame from a client. */
  frameBytes: 16 * 1024,
  /** Messages a second and user, and how many may come at once. */
  messagesPerSecond: 20,
  messageBurst: 40,
  /** Sockets of one user in the whole cluster. */
  socketsPerUser: 64,
  /** Messages that one resume sends per room; beyond it a gap frame points to the history service. */
  resumeMessages: 500,
  /** Bytes of messages that one resume sends: half of what a client may leave waiting by default. */
  resumeBytes: 512 * 1024,
  /** Rooms that one resume may name. */
  resumeRooms: 1000,
  /** Messages that one page of history holds at most. */
  pageSize: 200,
  /** Bytes of a new password: bcrypt reads no more than 72, so longer ones are refused and never cut. */
  passwordBytes: { min: 8, max: 72 },
  /** Characters (code points) of a user's or a room's name. */
  nameCharacters: { min: 1, max: 32 },
  /** Bytes of a JSON body. */
  bodyBytes: 16 * 1024,
} as const;

/** The limits a client is told in hello. */
export interface ClientLimits {
  messageBytes: number;
  frameBytes: number;
  messagesPerSecond: number;
  messageBurst: number;
  resumeMessages: number;
}
