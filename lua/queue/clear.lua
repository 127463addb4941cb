-- clear: remove what waits or is delayed. KEYS: ready, delayed. ARGV: what the keys of items begin with. Returns how much that was.
local removed = 0
for _, member in ipairs(redis.call('zrange', KEYS[1], 0, -1)) do
  removed = removed + redis.call('del', ARGV[1] .. string.sub(member, 18))
end
for _, hash in ipairs(redis.call('zrange', KEYS[2], 0, -1)) do
  removed = removed + redis.call('del', ARGV[1] .. hash)
end
redis.call('del', KEYS[1], KEYS[2])
return removed
