--[[
  Gives a user another password, unless somebody else did meanwhile.

  KEYS[1]  hash of the user
  ARGV[1]  bcrypt hash that the old password was checked against
  ARGV[2]  bcrypt hash of the new password

  Returns 1 when the password was set, 0 when it is another one by now.
]]
if redis.call('HGET', KEYS[1], 'password') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'password', ARGV[2])
return 1
