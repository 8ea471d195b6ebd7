--[[
  Whether users are members of rooms: one command for all that are asked for in one turn.

  KEYS  the users' sets of rooms
  ARGV  for each of them, the room

  Returns 1 or 0 for each, 0 for a key that is no set: it must not be the failure of the others.
]]
local members = {}
for index, rooms in ipairs(KEYS) do
  local member = redis.pcall('SISMEMBER', rooms, ARGV[index])
  members[index] = member == 1 and 1 or 0
end
return members
