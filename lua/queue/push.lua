-- push: add work, or raise its priority. KEYS: ready, delayed, running, dead, counter.
-- ARGV: what the keys of items begin with, channel to tell of it, most items ready or delayed, then for each item its hash, priority and
-- work. All are of one hash slot.
-- Returns for each item 1 if it is new, 0 if it was there; then the hashes that had to go.
local prefix, channel, max = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('time')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local outcomes = {}
local function member(sequence, hash)
  -- Among equal priorities members are in the order of their bytes: by age.
  return string.format('%016d', sequence) .. ':' .. hash
end
for i = 4, #ARGV, 3 do
  local hash, priority, work = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local item = prefix .. hash
  local sequence = redis.call('hget', item, 'sequence')
  -- Where it should be in one of these and is in none, the server has evicted that one.
  local isThere = sequence and (redis.call('zscore', KEYS[1], member(sequence, hash)) or redis.call('zscore', KEYS[2], hash)
    or redis.call('zscore', KEYS[3], hash))
  if isThere then
    local raised = tonumber(redis.call('hget', item, 'priority')) + priority
    redis.call('hset', item, 'priority', string.format('%.17g', raised))
    redis.call('zadd', KEYS[1], 'xx', -raised, member(sequence, hash))
    table.insert(outcomes, 0)
  else
    redis.call('zrem', KEYS[4], hash)
    redis.call('del', item)
    sequence = redis.call('incr', KEYS[5])
    redis.call('hset', item, 'work', work, 'priority', string.format('%.17g', priority), 'sequence', sequence,
      'attempts', 0, 'queued', string.format('%.0f', now))
    redis.call('zadd', KEYS[1], -priority, member(sequence, hash))
    table.insert(outcomes, 1)
  end
end
local excess = redis.call('zcard', KEYS[1]) + redis.call('zcard', KEYS[2]) - max
local dropped = {}
if excess > 0 then
  local least = redis.call('zpopmax', KEYS[1], excess)
  for i = 1, #least, 2 do
    local hash = string.sub(least[i], 18)
    redis.call('del', prefix .. hash)
    table.insert(dropped, hash)
  end
end
redis.call('publish', channel, '')
return { outcomes, dropped }
