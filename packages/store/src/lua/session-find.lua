--[[
  Whose sessions these are, and how long they live: one command for all that are asked for in one turn.

  KEYS  the sessions

  Returns for each, in the order of the keys: user id, username, seconds left. The first two are nil for a session that
  is gone, and for a key that is none: one of those must not be the failure of the others.
]]
local found = {}
for index, session in ipairs(KEYS) do
  local fields = redis.pcall('HMGET', session, 'userId', 'username')
  if fields.err then fields = {false, false} end
  found[3 * index - 2] = fields[1]
  found[3 * index - 1] = fields[2]
  found[3 * index] = redis.call('TTL', session)
end
return found
