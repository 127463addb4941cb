-- touch: note uses of entries, of those that are there. KEYS: index, benefits. ARGV: hash, time of the last one, how many, milliseconds saved; and so on.
if redis.call('type', KEYS[1]).ok ~= 'zset' then
  return 0
end
if redis.call('type', KEYS[2]).ok ~= 'hash' then
  redis.call('del', KEYS[2])
end
for first = 1, #ARGV, 4 do
  local hash = ARGV[first]
  if redis.call('zscore', KEYS[1], hash) then
    redis.call('zadd', KEYS[1], 'xx', 'gt', ARGV[first + 1], hash)
    redis.call('hincrby', KEYS[2], hash .. ':uses', ARGV[first + 2])
    redis.call('hincrbyfloat', KEYS[2], hash .. ':saved', ARGV[first + 3])
  end
end
return 1
