--[[
  Appends messages to one room, in the order given, and publishes each.

  The room is a linked list: each message carries its own date and the date of the one before it. Both are put
  between fragments of JSON that the caller made; nothing is decoded or encoded here.

  KEYS[1]  sorted set of the room
  KEYS[2]  sorted set of what is known of retried messages, see below
  ARGV[1]  channel to publish to, empty = the caller publishes
  ARGV[2]  what stands before the message in the envelope (the envelope is closed with a brace)
  ARGV[3]  how many messages the room keeps, 0 = all
  ARGV[4]  seconds ahead of Redis' clock beyond which a score is a mistake and is not chained to
  ARGV[5]  how far back, in seconds, a message that may be stored already is looked for
  then four for each message; without one the script only reads on in the room, see below:
    head   {"from":1,"date":
    mid    ,"message":"Hello","roomId":"1:2","prev":
    tail   ,"cid":"c-8f2"}   or   }
    retry  "1" when the message may already be there: one with this head and tail is looked for first

  KEYS[2] exists in rooms with retries, and in rooms that turn over within the time that is looked back on. It holds,
  by sender and cid, and of that time:

  - The retried messages that were stored; score = when. The original may still be on the way: held up in a server or on
    a line that stood still. An original that comes after its retry is looked for as well. A member of its own says that
    there are such messages.
  - Behind a prefix, all messages up to the one that the prefix alone stands for; score = date. A retry reads what came
    to the room since then into it, so however many retries there are, each message is read once. A call reads a page at
    most, as others wait in Redis meanwhile: when there is more to read it appends nothing and says so.
  - Behind the same prefix, the messages that the room no longer keeps.

  Returns three strings for each message: date, prev, and "1" when it was stored now or "0" when it was found
  (prev is then empty). Dates have six decimals and rise strictly. Or returns "more": nothing was appended, call again.
]]
local room, retried = KEYS[1], KEYS[2]
local channel, envelope, keep, ahead, window = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local FIRST, WIDTH = 6, 4
-- Says that retried messages were stored; the prefix of the index.
local NOTED, INDEXED = '!', '@'
-- Members of the room that one call reads, or deletes, at most.
local PAGE = 500
-- The layout of packages/protocol/src/message-layout.ts, as far as Lua can say it; captures head, date and tail.
local LAYOUT = '^({"from":[1-9]%d*,"date":)(%d+%.%d%d%d%d%d%d),"message":".*","roomId":"[%d:]+","prev":[%d.]+'
  .. '(,"cid":"[%w._:-]+"})$'

local time = redis.call('TIME')
local now = tonumber(time[1])
-- To the microsecond: what is appended after a score within the bound must be within it at the next call.
local bound = now + time[2] / 1000000 + ahead

-- The shortest text that reads back as the same number: what this script writes has six decimals.
local function decimal(score)
  local text = string.format('%.6f', tonumber(score))
  return tonumber(text) == tonumber(score) and text or score
end

local prev, micros = '0', now * 1000000 + tonumber(time[2])
local last = redis.call('ZREVRANGEBYSCORE', room, bound, '(0', 'WITHSCORES', 'LIMIT', 0, 1)
if last[2] then
  prev = decimal(last[2])
  -- Rounded, as the product is a fraction off a whole number of microseconds.
  micros = math.max(micros, math.floor(tonumber(last[2]) * 1000000 + 0.5) + 1)
end

-- Sender and cid of a message.
local function identity(i)
  return ARGV[i] .. ARGV[i + 2]
end

-- The places in ARGV of messages that may be stored already.
local function doubtful()
  local places = {}
  local noted = redis.call('ZSCORE', retried, NOTED)
  for i = FIRST, #ARGV, WIDTH do
    if ARGV[i + 3] == '1' or (noted and redis.call('ZSCORE', retried, identity(i))) then places[#places + 1] = i end
  end
  return places
end

-- Puts members of the room into the index.
local function index(members)
  local found = {}
  for _, member in ipairs(members) do
    local head, date, tail = string.match(member, LAYOUT)
    -- What another server wrote may be no number that Redis takes as a score.
    if head and tonumber(date) <= bound then
      found[#found + 1] = date
      found[#found + 1] = INDEXED .. head .. tail
    end
  end
  if #found > 0 then redis.call('ZADD', retried, unpack(found)) end
end

-- Leaves nothing in the second key for longer than it is asked for.
local function forgetOld()
  redis.call('ZREMRANGEBYSCORE', retried, '-inf', now - window)
  redis.call('EXPIRE', retried, window)
end

-- Reads the next page of what came to the room since the last time into the index; false when there is more.
local function readOn()
  if not last[2] then return true end
  local newest = tonumber(last[2])
  local from = tonumber(redis.call('ZSCORE', retried, INDEXED) or newest + 1)
  -- Nothing was read yet, or the newest message is before what was read: the room was emptied, or the clock set back.
  if from > newest then from = now - window end
  local members = redis.call('ZRANGEBYSCORE', room, from, newest, 'LIMIT', 0, PAGE)
  index(members)
  local read = newest
  if #members == PAGE then
    -- The next page begins with this date again, as a page may end amid messages of one date.
    read = tonumber(redis.call('ZSCORE', room, members[PAGE]))
    if read == from then read = read + 0.000001 end
  end
  redis.call('ZADD', retried, math.min(read, newest), INDEXED)
  return #members < PAGE or read > newest
end

-- The dates of those of the messages that are stored, by their identity.
local function findStored(places)
  local dates = {}
  for _, i in ipairs(places) do
    local score = redis.call('ZSCORE', retried, INDEXED .. identity(i))
    if score then dates[identity(i)] = string.format('%.6f', tonumber(score)) end
  end
  return dates
end

-- Brings the room down to its limit, but for the messages that were just appended: first what is dated ahead of them,
-- which is a mistake, then the oldest.
local function trim(appended)
  local size = redis.call('ZCARD', room)
  -- A thousandth late, so that a full room of the usual size is trimmed with each hundredth message.
  if size - keep <= keep / 1000 then return end
  local excess = math.min(size - keep, PAGE)
  local mistakes = math.min(excess, redis.call('ZCOUNT', room, '(' .. prev, '+inf'))
  if mistakes > 0 then redis.call('ZREMRANGEBYRANK', room, -mistakes, -1) end
  local old = math.min(excess - mistakes, size - mistakes - appended)
  if old <= 0 then return end
  local youngest = redis.call('ZRANGE', room, old - 1, old - 1, 'WITHSCORES')
  if tonumber(youngest[2]) > now - window then
    index(redis.call('ZRANGE', room, 0, old - 1))
    forgetOld()
  end
  redis.call('ZREMRANGEBYRANK', room, 0, old - 1)
end

local places = doubtful()
local inDoubt = #places > 0
local reads = inDoubt or #ARGV < FIRST
if reads and not readOn() then
  forgetOld()
  return 'more'
end

local stored = inDoubt and findStored(places) or {}
local reply, appended = {}, 0
for i = FIRST, #ARGV, WIDTH do
  local known = inDoubt and stored[identity(i)]
  if known then
    reply[#reply + 1] = known
    reply[#reply + 1] = ''
    reply[#reply + 1] = '0'
  else
    local seconds = math.floor(micros / 1000000)
    local date = string.format('%d.%06d', seconds, micros - seconds * 1000000)
    local member = ARGV[i] .. date .. ARGV[i + 1] .. prev .. ARGV[i + 2]
    redis.call('ZADD', room, date, member)
    if channel ~= '' then redis.call('PUBLISH', channel, envelope .. member .. '}') end
    reply[#reply + 1] = date
    reply[#reply + 1] = prev
    reply[#reply + 1] = '1'
    if inDoubt then stored[identity(i)] = date end
    if ARGV[i + 3] == '1' then redis.call('ZADD', retried, now, identity(i), now, NOTED) end
    prev = date
    micros = micros + 1
    appended = appended + 1
  end
end

if reads then forgetOld() end
if keep > 0 and appended > 0 then trim(appended) end
return reply
