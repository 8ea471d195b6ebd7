--[[
  Sets how many sockets a user has on one server, and tells everyone when that brings the user online or offline.
  The same call serves the server itself and whoever reaps it after a crash. Idempotent.

  KEYS[1]  hash serverId -> sockets of the user
  KEYS[2]  set of the users on the server
  KEYS[3]  set of the users online
  KEYS[4]  sorted set of the servers' leases
  ARGV[1]  serverId
  ARGV[2]  user id
  ARGV[3]  number of sockets; 0 removes the user from the server
  ARGV[4]  the lease that a reaper holds: when the server's own lease differs, it came back and nothing is done;
           empty when the server speaks for itself
  ARGV[5]  channel to publish to
  ARGV[6]  envelope to publish on a change, up to the date, which is put after it and closed with two braces;
           empty to publish nothing

  Returns {change, date, online}: change is 1 when the user came online, -1 when offline, 0 when neither, -2 when the
  reaper's lease is not the server's; date is Redis' clock, by which the events of one user are put in order; online
  is 1 when the user is online anywhere now.
]]
local connections, serverUsers, online, servers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local serverId, userId, count, lease, channel, event = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]

local time = redis.call('TIME')
local date = string.format('%d.%06d', time[1], time[2])
if lease ~= '' then
  local current = redis.call('ZSCORE', servers, serverId)
  if not current or tonumber(current) ~= tonumber(lease) then return { -2, date, 0 } end
end

local change = 0
if count > 0 then
  redis.call('HSET', connections, serverId, count)
  redis.call('SADD', serverUsers, userId)
  change = redis.call('SADD', online, userId)
else
  redis.call('HDEL', connections, serverId)
  redis.call('SREM', serverUsers, userId)
  if redis.call('HLEN', connections) == 0 then change = -redis.call('SREM', online, userId) end
end
if change ~= 0 and event ~= '' then redis.call('PUBLISH', channel, event .. date .. '}}') end
return { change, date, redis.call('SISMEMBER', online, userId) }
