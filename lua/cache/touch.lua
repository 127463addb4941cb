-- touch: note when entries were last used, if they are there and nothing later is noted. KEYS: index. ARGV: time, hash, and so on.
for first = 1, #ARGV, 2 do
  redis.call('zadd', KEYS[1], 'xx', 'gt', ARGV[first], ARGV[first + 1])
end
return 1
