-- bury: end a claim as a dead letter. KEYS: running, dead, item.
-- ARGV: what the keys of items begin with, hash, mark of the claim, reason, most dead letters that are kept. Returns whether it was held.
local hash = ARGV[2]
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
if redis.call('hget', KEYS[3], 'mark') ~= ARGV[3] or redis.call('zrem', KEYS[1], hash) == 0 then
  return 0
end
redis.call('hset', KEYS[3], 'reason', ARGV[4])
redis.call('hdel', KEYS[3], 'mark')
redis.call('zadd', KEYS[2], now, hash)
local excess = redis.call('zcard', KEYS[2]) - tonumber(ARGV[5])
if excess > 0 then
  local oldest = redis.call('zpopmin', KEYS[2], excess)
  for i = 1, #oldest, 2 do
    redis.call('del', ARGV[1] .. oldest[i])
  end
end
return 1
