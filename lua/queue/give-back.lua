-- give-back: end a claim; the work can be claimed again later. KEYS: ready, delayed, running, item.
-- ARGV: hash, mark of the claim, in how many ms, attempts not to be counted, channel to tell of it. Returns from when on, in ms, or -1 if it was not held.
local hash, delay = ARGV[1], tonumber(ARGV[3])
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local found = redis.call('hmget', KEYS[4], 'mark', 'sequence', 'priority')
if found[1] ~= ARGV[2] or redis.call('zrem', KEYS[3], hash) == 0 then
  return -1
end
redis.call('hdel', KEYS[4], 'mark')
-- 0 - n: minus zero is written as -0, which is no integer.
redis.call('hincrby', KEYS[4], 'attempts', 0 - tonumber(ARGV[4]))
if delay > 0 then
  redis.call('zadd', KEYS[2], now + delay, hash)
else
  redis.call('zadd', KEYS[1], -tonumber(found[3]), string.format('%016d', found[2]) .. ':' .. hash)
end
redis.call('publish', ARGV[5], '')
return now + delay
