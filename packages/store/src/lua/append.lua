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
  then four for each message:
    head   {"from":1,"date":
    mid    ,"message":"Hello","roomId":"1:2","prev":
    tail   ,"cid":"c-8f2"}   or   }
    retry  "1" when the message may already be there: one with this head and tail is looked for first

  KEYS[2] exists in rooms with retries alone, and holds two things by sender and cid, of the time that is looked back on:

  - The retried messages that were stored; score = when. The original may still be on the way: held up in a server or on
    a line that stood still. An original that comes after its retry is looked for as well.
  - Behind a prefix, all messages up to the one that the prefix alone stands for; score = date. A retry reads what came
    to the room since then into it, so however many retries there are, each message is read once.

  Returns three strings for each message: date, prev, and "1" when it was stored now or "0" when it was found
  (prev is then empty). Dates have six decimals and rise strictly.
]]
local room, retried = KEYS[1], KEYS[2]
local channel, envelope, keep, ahead, window = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local FIRST, WIDTH = 6, 4
-- The prefix of the index, and how many messages are read into it at once.
local INDEXED, PAGE = '@', 1000

local time = redis.call('TIME')
local now = tonumber(time[1])

-- The shortest text that reads back as the same number: what this script writes has six decimals.
local function decimal(score)
  local text = string.format('%.6f', tonumber(score))
  return tonumber(text) == tonumber(score) and text or score
end

local prev, micros = '0', now * 1000000 + tonumber(time[2])
local last = redis.call('ZREVRANGEBYSCORE', room, now + ahead, '(0', 'WITHSCORES', 'LIMIT', 0, 1)
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
  local noted = redis.call('EXISTS', retried) == 1
  for i = FIRST, #ARGV, WIDTH do
    if ARGV[i + 3] == '1' or (noted and redis.call('ZSCORE', retried, identity(i))) then places[#places + 1] = i end
  end
  return places
end

-- Reads what came to the room since the last time into the index of its messages.
local function readRoom()
  if not last[2] then return end
  local read = redis.call('ZSCORE', retried, INDEXED)
  local from = now - window
  -- With a newest message before what was read, the room was emptied, or the clock set back.
  if read and tonumber(read) <= tonumber(last[2]) then from = '(' .. read end
  local stop = redis.call('ZCOUNT', room, '-inf', last[2])
  local start = stop - redis.call('ZCOUNT', room, from, last[2])
  for rank = start, stop - 1, PAGE do
    local found = {}
    for _, member in ipairs(redis.call('ZRANGE', room, rank, math.min(rank + PAGE, stop) - 1)) do
      -- In a text a quotation mark is escaped, so the last such comma is that of the cid.
      local head, date, tail = string.match(member, '^({"from":%d+,"date":)([%d.]+),.*(,"cid":"[^"]*"})$')
      -- What another server wrote may be no number, or none that Redis takes as a score.
      local seconds = head and tonumber(date)
      if seconds and seconds <= now + ahead then
        found[#found + 1] = date
        found[#found + 1] = INDEXED .. head .. tail
      end
    end
    if #found > 0 then redis.call('ZADD', retried, unpack(found)) end
  end
  redis.call('ZADD', retried, last[2], INDEXED)
end

-- The dates of those of the messages that are in the room, by their identity.
local function findStored(places)
  readRoom()
  local dates = {}
  for _, i in ipairs(places) do
    local score = redis.call('ZSCORE', retried, INDEXED .. identity(i))
    if score then dates[identity(i)] = string.format('%.6f', tonumber(score)) end
  end
  return dates
end

local places = doubtful()
local inDoubt = #places > 0
local stored = inDoubt and findStored(places) or {}
local reply = {}
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
    if ARGV[i + 3] == '1' then redis.call('ZADD', retried, now, identity(i)) end
    prev = date
    micros = micros + 1
  end
end

if inDoubt then
  redis.call('ZREMRANGEBYSCORE', retried, '-inf', now - window)
  redis.call('EXPIRE', retried, window)
end
if keep > 0 then redis.call('ZREMRANGEBYRANK', room, 0, -keep - 1) end
return reply
