--[[
  Notes that a foreign server has a user online. The note is a socket on that server, whose lease is renewed: foreign
  servers say nothing when they die, so one that tells of nobody for the time of a lease is reaped as any other.

  KEYS[1]  hash serverId -> sockets of the user
  KEYS[2]  set of the users on the foreign server
  KEYS[3]  set of the users online, which the foreign server itself puts the user in
  KEYS[4]  sorted set foreign serverId -> expiry of its lease, in seconds of Redis' clock
  ARGV[1]  the foreign server
  ARGV[2]  user id
  ARGV[3]  seconds the lease lasts

  Returns 1 when it is noted, 0 when the user is not online.
]]
local connections, serverUsers, online, leases = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local serverId, userId = ARGV[1], ARGV[2]

if redis.call('SISMEMBER', online, userId) == 0 then return 0 end
redis.call('HSET', connections, serverId, 1)
redis.call('SADD', serverUsers, userId)
redis.call('ZADD', leases, redis.call('TIME')[1] + ARGV[3], serverId)
return 1
