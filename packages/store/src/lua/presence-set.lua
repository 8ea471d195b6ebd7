--[[
  Sets how many sockets a user has on one server, and tells the tutorial's servers when that brings the user online or
  offline. The same call serves the server itself, whoever reaps it after a crash, and a foreign server that says of a
  user of its own that the user left: one who has sockets elsewhere, and whom it took off the list, is put back.
  Idempotent.

  KEYS[1]  hash serverId -> sockets of the user
  KEYS[2]  set of the users on the server
  KEYS[3]  set of the users online
  KEYS[4]  sorted set of the leases of servers of its kind
  ARGV[1]  serverId
  ARGV[2]  user id
  ARGV[3]  number of sockets; 0 removes the user from the server
  ARGV[4]  the lease that a reaper holds: when the server's own lease differs, it came back and nothing is done;
           empty when the server speaks for itself
  ARGV[5]  channel to publish to
  ARGV[6]  envelope to publish when the user came online
  ARGV[7]  envelope to publish when the user went offline

  Returns {change, date, online}: change is 1 when the user came online, -1 when offline, 0 when neither, -2 when the
  reaper's lease is not the server's; date is Redis' clock, by which the events of one user are put in order; online
  is 1 when the user is online anywhere now.
]]
local connections, serverUsers, online, leases = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local serverId, userId, count, lease = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local channel, came, left = ARGV[5], ARGV[6], ARGV[7]

local time = redis.call('TIME')
local date = string.format('%d.%06d', time[1], time[2])
if lease ~= '' then
  local current = redis.call('ZSCORE', leases, serverId)
  if not current or tonumber(current) ~= tonumber(lease) then return { -2, date, 0 } end
end

if count > 0 then
  redis.call('HSET', connections, serverId, count)
  redis.call('SADD', serverUsers, userId)
else
  redis.call('HDEL', connections, serverId)
  redis.call('SREM', serverUsers, userId)
end

if redis.call('EXISTS', connections) == 1 then
  local change = redis.call('SADD', online, userId)
  if change == 1 then redis.call('PUBLISH', channel, came) end
  return { change, date, 1 }
end
local change = redis.call('SREM', online, userId)
if change == 1 then redis.call('PUBLISH', channel, left) end
return { -change, date, 0 }
