--[[
  Claims a place for one more socket of a user: raises the number of sockets that a server has of the user, unless
  there are too many in the cluster. The user does not come online by that. Never lowers the number: when calls
  overtake each other, the larger number stands until the server sets it by presence-set.

  KEYS[1]  hash serverId -> sockets of the user
  KEYS[2]  set of the users on the server
  KEYS[3]  sorted set of the servers' leases: what a server without one left behind does not count
  ARGV[1]  serverId
  ARGV[2]  user id
  ARGV[3]  number of sockets on the server, with this one and all others that it has claimed
  ARGV[4]  number of sockets that the user may have in the cluster

  Returns 1 when the place is claimed, 0 when there is none.
]]
local connections, serverUsers, servers = KEYS[1], KEYS[2], KEYS[3]
local serverId, userId, count, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local before, elsewhere = 0, 0
local counts = redis.call('HGETALL', connections)
for index = 1, #counts, 2 do
  local sockets = tonumber(counts[index + 1]) or 0
  if counts[index] == serverId then before = sockets
  elseif redis.call('ZSCORE', servers, counts[index]) then elsewhere = elsewhere + sockets end
end
if elsewhere + count > limit then return 0 end

if count > before then
  redis.call('HSET', connections, serverId, count)
  redis.call('SADD', serverUsers, userId)
end
return 1
