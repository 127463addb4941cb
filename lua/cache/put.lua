-- put: write an entry whole, in place of the one there is, if its partition key is registered with the datatype.
-- KEYS: registration, index, description, keys.
-- ARGV: datatype, hash, description, time of last use, time to live in ms or 0, channel of changes, message,
--       form of the keys (set, string, none), and the keys: members of a set, or one string.
-- Returns 1, or 0 if the partition key is not registered.
if redis.call('get', KEYS[1]) ~= ARGV[1] then
  return 0
end
local form = ARGV[8]
-- Whether there have to be keys: without them, the server has evicted a part of the entry. Comes first, as a server that is full refuses
-- a script's first write only, and all is as it was then.
redis.call('set', KEYS[3], (form == 'none' and '-' or '+') .. ARGV[3])
redis.call('del', KEYS[4])
if form == 'string' then
  redis.call('set', KEYS[4], ARGV[9])
elseif form == 'set' then
  -- unpack takes some thousand values at most.
  for first = 9, #ARGV, 5000 do
    redis.call('sadd', KEYS[4], unpack(ARGV, first, math.min(first + 4999, #ARGV)))
  end
end
redis.call('zadd', KEYS[2], ARGV[4], ARGV[2])
local ttl = tonumber(ARGV[5])
if ttl > 0 then
  redis.call('pexpire', KEYS[3], ttl)
  redis.call('pexpire', KEYS[4], ttl)
end
redis.call('publish', ARGV[6], ARGV[7])
return 1
