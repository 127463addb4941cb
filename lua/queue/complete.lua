-- complete: remove work that is done. KEYS: running, item. ARGV: hash, mark of the claim. Returns whether it was held.
if redis.call('hget', KEYS[2], 'mark') ~= ARGV[2] or redis.call('zrem', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('del', KEYS[2])
return 1
