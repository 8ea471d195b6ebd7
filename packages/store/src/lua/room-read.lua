--[[
  Reads a room after a date, up to the end of its chain. Redis' clock alone says where that is.

  KEYS[1]  sorted set of the room
  ARGV[1]  seconds ahead of Redis' clock beyond which a score is a mistake and is not chained to
  ARGV[2]  members to return at most
  ARGV[3]  their bytes at most
  ARGV[4]  a date, or "": return also what foreign servers dated from the second before it on, up to the date read after
  then dates that the caller has, the one to go on from first. The first of them that the room has, within its end, is the
  one that is read after. When it has none: the first one, if it is before the end; else the date within the end to which
  the prevs lead back from the first one; else 0. Without dates: the end.

  Returns an array:
    1  Redis' clock in seconds
    2  the end, 0 in an empty room
    3  the date that was read after
    4  1 when the room has the first date given, at whatever place, or it is 0; else 0
    5  how many members follow that date up to the end
    6  1 when all of them are returned, 0 when they are too many
    7  members, each followed by its score: the foreign ones up to the date, then those after it
    8  without dates: the newest scores up to the end, descending
    9  without dates: 1 when one of their members was written by a foreign server
]]
local room = KEYS[1]
local ahead, maxMembers, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local overlap = tonumber(ARGV[4])
local FIRST = 5
-- Newest scores that are returned, members and seconds that the overlap may have, and prevs that are followed.
local NEWEST, MAX_OVERLAP, MAX_SECONDS, MAX_STEPS, PAGE = 8, 256, 10, 1000, 100

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local newest = redis.call('ZREVRANGEBYSCORE', room, now + ahead, '(0', 'WITHSCORES', 'LIMIT', 0, ARGV[FIRST] and 1 or NEWEST)
local stop = newest[2] or '0'

-- What this cluster writes has this field near its end; in a text, quotation marks are escaped.
local function isOwn(member)
  return string.find(member, '","prev":', -130, true) ~= nil
end

local function has(date)
  return tonumber(date) == 0 or redis.call('ZCOUNT', room, date, date) > 0
end

local function followed(date)
  for _ = 1, MAX_STEPS do
    local member = redis.call('ZRANGEBYSCORE', room, date, date, 'LIMIT', 0, 1)[1]
    local prev = member and string.match(member, '","roomId":"[%d:]+","prev":([%d.]+)[,}]')
    if not prev then return '0' end
    if tonumber(prev) <= tonumber(stop) then return prev end
    date = prev
  end
  return '0'
end

local function start()
  for i = FIRST, #ARGV do
    if tonumber(ARGV[i]) <= tonumber(stop) and has(ARGV[i]) then return ARGV[i] end
  end
  if tonumber(ARGV[FIRST]) < tonumber(stop) then return ARGV[FIRST] end
  return followed(ARGV[FIRST])
end

local since, scores, foreign = stop, {}, false
if ARGV[FIRST] then
  since = start()
else
  for i = 1, #newest, 2 do
    scores[#scores + 1] = newest[i + 1]
    foreign = foreign or not isOwn(newest[i])
  end
  overlap = foreign and stop
end

local rows, bytes = {}, 0
local function add(member, score)
  rows[#rows + 1] = member
  rows[#rows + 1] = score
  bytes = bytes + #member
end

local function addForeign(from, to)
  local before = redis.call('ZRANGEBYSCORE', room, from, to, 'WITHSCORES', 'LIMIT', 0, MAX_OVERLAP)
  for i = 1, #before, 2 do
    if not isOwn(before[i]) then add(before[i], before[i + 1]) end
  end
end

local first = overlap and math.floor(math.min(tonumber(overlap), tonumber(since))) - 1
if first and first > 0 then
  if redis.call('ZCOUNT', room, first, since) <= MAX_OVERLAP then
    addForeign(first, since)
  else
    -- In a room that is that busy, whole seconds alone.
    for second = first, math.min(first + MAX_SECONDS, math.floor(tonumber(since))) do addForeign(second, second) end
  end
  if bytes > maxBytes then rows, bytes = {}, 0 end
end

local count = redis.call('ZCOUNT', room, '(' .. since, stop)
local all = count <= maxMembers
for offset = 0, all and count - 1 or -1, PAGE do
  local page = redis.call('ZRANGEBYSCORE', room, '(' .. since, stop, 'WITHSCORES', 'LIMIT', offset, PAGE)
  for i = 1, #page, 2 do add(page[i], page[i + 1]) end
  if bytes > maxBytes then
    all = false
    break
  end
end
local standing = ARGV[FIRST] and has(ARGV[FIRST])
return { string.format('%.6f', now), stop, since, standing and 1 or 0, count, all and 1 or 0, all and rows or {}, scores, foreign and 1 or 0 }
