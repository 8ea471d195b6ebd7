/**
 * Above this many changes, an event or a frame says only that many changed, and whoever shows a list reads it again:
 * with N users who come at once, N sockets times N names would be more than the messages ever are.
 */
export const MAX_NAMED = 64;

export const CROWD = { connected: [], disconnected: [], truncated: true as const };
