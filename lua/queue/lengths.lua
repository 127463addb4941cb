-- lengths: how much there is. KEYS: ready, delayed, running, dead. Returns how many wait, are delayed, are running, are dead.
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local due = redis.call('zcount', KEYS[2], '-inf', now)
local lost = redis.call('zcount', KEYS[3], '-inf', now)
return {
  redis.call('zcard', KEYS[1]) + due + lost,
  redis.call('zcard', KEYS[2]) - due,
  redis.call('zcard', KEYS[3]) - lost,
  redis.call('zcard', KEYS[4]),
}
