--[[
  Gives a new id to a name, with the user's record and General among the user's rooms, or does nothing.

  KEYS[1]  string of the name
  KEYS[2]  hash of the new user
  KEYS[3]  set of the new user's rooms
  ARGV[1]  what the name leads to: user:{id}
  ARGV[2]  name
  ARGV[3]  bcrypt hash of the password
  ARGV[4]  id of General

  Returns 1 when the user was made, 0 when the name is taken, -1 when the id belongs to another user.
]]
local name, user, rooms = KEYS[1], KEYS[2], KEYS[3]

if redis.call('EXISTS', name) == 1 then return 0 end
if redis.call('EXISTS', user) == 1 then return -1 end
-- What an earlier user of this id left must not become the new user's.
redis.call('DEL', rooms)
redis.call('HSET', user, 'username', ARGV[2], 'password', ARGV[3])
redis.call('SADD', rooms, ARGV[4])
redis.call('SET', name, ARGV[1])
return 1
