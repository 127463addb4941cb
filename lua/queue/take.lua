-- take: claim what is wanted most. KEYS: ready, delayed, running, dead.
-- ARGV: what the keys of items begin with, how many at most, how long a claim holds in ms, attempts after which what lost its workers is buried,
-- the reason that is given then, most dead letters that are kept, what the marks of the claims begin with.
-- Returns {items, ms until the next one can be claimed or -1}; an item is {hash, mark, work, priority, attempts, time it was queued}.
local prefix, max, lease, maxAttempts, reason = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local maxDead, mark = tonumber(ARGV[6]), ARGV[7]
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function makeReady(hash)
  local found = redis.call('hmget', prefix .. hash, 'sequence', 'priority')
  -- Without them the server has evicted it.
  if found[1] and found[2] then
    redis.call('zadd', KEYS[1], -tonumber(found[2]), string.format('%016d', found[1]) .. ':' .. hash)
  end
end
for _, hash in ipairs(redis.call('zrangebyscore', KEYS[2], '-inf', now)) do
  redis.call('zrem', KEYS[2], hash)
  makeReady(hash)
end
for _, hash in ipairs(redis.call('zrangebyscore', KEYS[3], '-inf', now)) do
  redis.call('zrem', KEYS[3], hash)
  if tonumber(redis.call('hget', prefix .. hash, 'attempts') or 0) >= maxAttempts then
    redis.call('hset', prefix .. hash, 'reason', reason)
    redis.call('hdel', prefix .. hash, 'mark')
    redis.call('zadd', KEYS[4], now, hash)
  else
    makeReady(hash)
  end
end
local excess = redis.call('zcard', KEYS[4]) - maxDead
if excess > 0 then
  local oldest = redis.call('zpopmin', KEYS[4], excess)
  for i = 1, #oldest, 2 do
    redis.call('del', prefix .. oldest[i])
  end
end

local items = {}
while #items < max do
  local popped = redis.call('zpopmin', KEYS[1])
  if #popped == 0 then
    break
  end
  local hash = string.sub(popped[1], 18)
  local found = redis.call('hmget', prefix .. hash, 'work', 'priority', 'queued')
  if found[1] and found[2] and found[3] then
    local attempts = redis.call('hincrby', prefix .. hash, 'attempts', 1)
    local own = mark .. ':' .. #items
    redis.call('hset', prefix .. hash, 'mark', own)
    redis.call('zadd', KEYS[3], now + lease, hash)
    table.insert(items, { hash, own, found[1], found[2], attempts, found[3] })
  end
end

local nextIn = -1
if #items == 0 then
  for i = 2, 3 do
    local first = redis.call('zrange', KEYS[i], 0, 0, 'withscores')
    if #first > 0 and (nextIn < 0 or tonumber(first[2]) - now < nextIn) then
      nextIn = math.max(0, tonumber(first[2]) - now)
    end
  end
end
return { items, nextIn }
