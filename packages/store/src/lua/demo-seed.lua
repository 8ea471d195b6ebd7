--[[
  Writes all demo data at once, or nothing when any of it is there: real data must not be written over.

  KEYS[…]  every key that is written
  ARGV     one write after the other, each as: command, number of its key in KEYS, number of further arguments, and
           these arguments

  Returns 1 when the data was written, 0 when one of the keys exists.
]]
if redis.call('EXISTS', unpack(KEYS)) > 0 then return 0 end

local i = 1
while i <= #ARGV do
  local command, key, count = ARGV[i], KEYS[tonumber(ARGV[i + 1])], tonumber(ARGV[i + 2])
  redis.call(command, key, unpack(ARGV, i + 3, i + 2 + count))
  i = i + 3 + count
end
return 1
