-- drop: remove a partition key and all its entries. KEYS: registration, index, benefits.
-- ARGV: what the keys of descriptions and of key sets begin with, channel of changes, message, mark of an index that has all; where it may have no mark,
-- 'found' and the hashes there are. All are of one hash slot.
-- Returns the number of entries, -1 if the partition key was not registered, or -2, and nothing was removed, if the index may lack entries.
local isIndex = redis.call('type', KEYS[2]).ok == 'zset'
if ARGV[6] ~= 'found' and not (isIndex and redis.call('zscore', KEYS[2], ARGV[5])) then
  return -2
end
local isRegistered = redis.call('del', KEYS[1]) == 1
local entries = 0
local function remove(hash)
  redis.call('del', ARGV[2] .. hash)
  entries = entries + redis.call('del', ARGV[1] .. hash)
end
if isIndex then
  for _, hash in ipairs(redis.call('zrange', KEYS[2], 0, -1)) do
    remove(hash)
  end
end
for i = 7, #ARGV do
  remove(ARGV[i])
end
redis.call('del', KEYS[2], KEYS[3])
if not isRegistered then
  return -1
end
redis.call('publish', ARGV[3], ARGV[4])
return entries
