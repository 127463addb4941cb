-- lengths: how much there is. KEYS: ready, delayed, running, dead. ARGV: what the keys of items begin with.
-- Returns how many wait, are delayed, are running, are dead; and for how many ms the oldest that is ready has been there, or -1.
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local due = redis.call('zcount', KEYS[2], '-inf', now)
local lost = redis.call('zcount', KEYS[3], '-inf', now)
-- Members begin with their sequence: the least of them is the oldest.
local oldest
for _, member in ipairs(redis.call('zrange', KEYS[1], 0, -1)) do
  if not oldest or member < oldest then
    oldest = member
  end
end
local queued = oldest and redis.call('hget', ARGV[1] .. string.sub(oldest, 18), 'queued')
return {
  redis.call('zcard', KEYS[1]) + due + lost,
  redis.call('zcard', KEYS[2]) - due,
  redis.call('zcard', KEYS[3]) - lost,
  redis.call('zcard', KEYS[4]),
  queued and math.max(0, now - tonumber(queued)) or -1,
}
