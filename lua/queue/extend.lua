-- extend: let a claim hold for longer. KEYS: running, item. ARGV: hash, mark of the claim, how long in ms. Returns whether it was held.
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if redis.call('hget', KEYS[2], 'mark') ~= ARGV[2] or not redis.call('zscore', KEYS[1], ARGV[1]) then
  return 0
end
redis.call('zadd', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
return 1
