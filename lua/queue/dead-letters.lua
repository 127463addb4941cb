-- dead-letters: the latest, latest first. KEYS: dead. ARGV: what the keys of items begin with, how many at most.
-- Returns for each {work, reason, when it was buried}.
local letters = {}
local found = redis.call('zrange', KEYS[1], 0, tonumber(ARGV[2]) - 1, 'rev', 'withscores')
for i = 1, #found, 2 do
  local item = redis.call('hmget', ARGV[1] .. found[i], 'work', 'reason')
  if item[1] then
    table.insert(letters, { item[1], item[2] or '', found[i + 1] })
  end
end
return letters
