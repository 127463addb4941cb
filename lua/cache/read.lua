-- read: entries that are whole. One of which the server has evicted a part is removed, as is one that is of another type than we write.
-- KEYS: index, benefits, then for each entry its description and its keys.
-- ARGV: form of the keys to read (set, string, none: only descriptions), channel of changes, partition key, then the hashes.
-- Returns for each entry {description, time of last use, number of uses, milliseconds saved, keys}, or nil.
local form, channel, partitionKey = ARGV[1], ARGV[2], ARGV[3]
local function is(key, wanted)
  return redis.call('type', key).ok == wanted
end
if not is(KEYS[1], 'zset') then
  redis.call('del', KEYS[1])
end
if not is(KEYS[2], 'hash') then
  redis.call('del', KEYS[2])
end
local entries = {}
for i = 1, #ARGV - 3 do
  local hash, descriptionKey, keysKey = ARGV[i + 3], KEYS[2 * i + 1], KEYS[2 * i + 2]
  local marked = is(descriptionKey, 'string') and redis.call('get', descriptionKey)
  local hasKeys
  if form == 'none' then
    hasKeys = redis.call('exists', keysKey) == 1
  else
    hasKeys = is(keysKey, form)
  end
  if marked and (string.sub(marked, 1, 1) == '+') == hasKeys then
    local lastUsed = redis.call('zscore', KEYS[1], hash)
    if not lastUsed then
      -- The index was evicted, the entry not: it is listed again, and told of, for who has read the list meanwhile does not know it.
      lastUsed = '0'
      redis.call('zadd', KEYS[1], 0, hash)
      redis.call('publish', channel, cjson.encode({ by = 'index', partitionKey = partitionKey, hash = hash }))
    end
    local keys = false
    if hasKeys and form == 'set' then
      keys = redis.call('smembers', keysKey)
    elseif hasKeys and form == 'string' then
      keys = redis.call('get', keysKey)
    end
    local benefit = redis.call('hmget', KEYS[2], hash .. ':uses', hash .. ':saved')
    entries[i] = { string.sub(marked, 2), lastUsed, benefit[1], benefit[2], keys }
  else
    redis.call('del', descriptionKey, keysKey)
    redis.call('zrem', KEYS[1], hash)
    redis.call('hdel', KEYS[2], hash .. ':uses', hash .. ':saved')
    entries[i] = false
  end
end
return entries
