-- delete: remove an entry. KEYS: index, description, keys. ARGV: hash, channel of changes, message.
-- Returns whether it was there.
redis.call('zrem', KEYS[1], ARGV[1])
redis.call('del', KEYS[3])
if redis.call('del', KEYS[2]) == 0 then
  return 0
end
redis.call('publish', ARGV[2], ARGV[3])
return 1
