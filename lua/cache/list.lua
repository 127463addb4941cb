-- list: list entries that are there, and mark the index as having all. KEYS: index. ARGV: the mark, then hashes.
if redis.call('type', KEYS[1]).ok ~= 'zset' then
  redis.call('del', KEYS[1])
end
redis.call('zadd', KEYS[1], 0, ARGV[1])
for i = 2, #ARGV do
  redis.call('zadd', KEYS[1], 'nx', 0, ARGV[i])
end
return 1
