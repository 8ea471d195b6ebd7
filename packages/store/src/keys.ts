import type { RoomId, UserId } from '@chat/protocol';

/**
 * Every Redis key of the cluster. The first group is the contract that servers in other languages share; the second
 * is this cluster's own.
 */
export const keys = {
  /** Counter: INCR gives the next user id. */
  totalUsers: 'total_users',
  /** String `user:{id}`. */
  username: (name: string) => `username:${name}`,
  /** Hash: username, password (bcrypt). */
  user: (id: UserId) => `user:${id}`,
  /** Set of room ids. */
  userRooms: (id: UserId) => `user:${id}:rooms`,
  /** Sorted set: score = date in seconds, member = the message as JSON. */
  room: (id: RoomId) => `room:${id}`,
  /** String; private rooms have none. */
  roomName: (id: RoomId) => `room:${id}:name`,
  /** Set of the ids of the users who are online anywhere. */
  onlineUsers: 'online_users',

  /** Counter: INCR gives the next named room's id; "0" is General. */
  totalRooms: 'total_rooms',
  /**
   * Sorted set of retried messages that were stored, as their originals may still arrive, and an index of the room's
   * messages, in which retried ones are looked for. Lives for minutes. Its hash tag puts it into the room's slot.
   */
  roomRetried: (id: RoomId) => `{room:${id}}:retried`,
  /** Hash of one session, with a TTL; the token itself is nowhere in Redis. */
  session: (tokenHash: string) => `session:${tokenHash}`,
  /** Sorted set of the hashes of the user's sessions; score = when each ends, in seconds, or somewhat later. */
  userSessions: (id: UserId) => `user:${id}:sessions`,
  /** Hash serverId -> connections closed there for a revocation. Lives for a minute. */
  revocation: (request: string) => `revocation:${request}`,
  /** Hash serverId -> number of sockets of the user on that replica; 1 for a foreign server that has the user online. */
  userConnections: (id: UserId) => `user:${id}:connections`,
  /** Sorted set serverId -> expiry of its lease, in seconds of Redis' clock. */
  servers: 'servers',
  /** The same for servers written to the tutorial that told of a user who came. */
  foreignServers: 'foreign_servers',
  /** Set of the users with a socket on one server. */
  serverUsers: (serverId: string) => `server:${serverId}:users`,
  /** Never holds anything: deleting it shows whether Redis takes writes. */
  writeProbe: 'write_probe',
  /** Prefix of the counters of other rate limits. */
  rateLimits: 'rate',
  /** Prefix of the counters that limit logins. */
  loginAttempts: 'login_attempts',
} as const;
