--[[
  Renews a server's lease and claims the leases that ran out, so that one of the living reaps each of the dead. A
  claim is a lease too: when the reaper dies as well, another one takes over. A server that comes when half of its own
  lease is gone claims nobody: it may have been Redis that was away, and the others are about to renew theirs. (One that
  renewed a moment later than they did would find theirs run out, and its own not yet.)

  KEYS[1]  sorted set serverId -> expiry of the lease, in seconds of Redis' clock
  KEYS[2]  the same of foreign servers, which are claimed like the others
  ARGV[1]  serverId
  ARGV[2]  seconds the lease lasts
  ARGV[3]  seconds a claim lasts; 0 claims nobody

  Returns {before, lease, dead, claim, dead, claim, …}: before is the lease found (empty when none; when it is not the
  one that the last call gave, the server was reaped meanwhile), lease the one set; then each server claimed with the
  lease set for it.
]]
local servers, serverId = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local before = redis.call('ZSCORE', servers, serverId)
local seconds = tonumber(ARGV[2])
local lease = string.format('%.6f', now + seconds)
redis.call('ZADD', servers, lease, serverId)

local reply = { before and string.format('%.6f', before) or '', lease }
if tonumber(ARGV[3]) == 0 or not before or tonumber(before) < now + seconds / 2 then return reply end

local claim = string.format('%.6f', now + tonumber(ARGV[3]))
for _, leases in ipairs(KEYS) do
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
    redis.call('ZADD', leases, claim, dead)
    reply[#reply + 1] = dead
    reply[#reply + 1] = claim
  end
end
return reply
