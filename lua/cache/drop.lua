-- drop: remove a partition key and all its entries. KEYS: registration, index, benefits.
-- ARGV: what the keys of descriptions and of key sets begin with, channel of changes, message. All are of one hash slot.
-- Returns the number of entries, or -1 if the partition key was not registered.
local isRegistered = redis.call('del', KEYS[1]) == 1
local entries = 0
for _, hash in ipairs(redis.call('zrange', KEYS[2], 0, -1)) do
  redis.call('del', ARGV[2] .. hash)
  entries = entries + redis.call('del', ARGV[1] .. hash)
end
redis.call('del', KEYS[2], KEYS[3])
if not isRegistered then
  return -1
end
redis.call('publish', ARGV[3], ARGV[4])
return entries
