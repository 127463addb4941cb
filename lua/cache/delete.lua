-- delete: remove an entry. KEYS: index, benefits, description, keys. ARGV: hash, channel of changes, message.
-- Returns whether it was there.
redis.call('zrem', KEYS[1], ARGV[1])
if redis.call('type', KEYS[2]).ok == 'hash' then
  redis.call('hdel', KEYS[2], ARGV[1] .. ':uses', ARGV[1] .. ':saved')
end
redis.call('del', KEYS[4])
if redis.call('del', KEYS[3]) == 0 then
  return 0
end
redis.call('publish', ARGV[2], ARGV[3])
return 1
