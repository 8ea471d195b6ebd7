--[[
  The seconds that each of many sessions has left, -2 for those that are gone: one command, and so one reply, where there
  are thousands of sessions to look at.

  KEYS  the sessions

  Returns the seconds in the order of the keys.
]]
local left = {}
for index, session in ipairs(KEYS) do left[index] = redis.call('TTL', session) end
return left
