-- intersect: the keys that all those entries have that are whole and have keys.
-- KEYS: a name for a bitmap in between, then for each entry its description and its keys. ARGV: form of the keys (set, bits, string).
-- Returns {numbers of the entries that took part, their descriptions, keys, how many keys each has}; of form string, the keys of each, and
-- how many is not known.
local keysType = ARGV[1] == 'set' and 'set' or 'string'
local function is(key, wanted)
  return redis.call('type', key).ok == wanted
end
local numbers, descriptions, sets, counts = {}, {}, {}, {}
for i = 1, (#KEYS - 1) / 2 do
  local marked = is(KEYS[2 * i], 'string') and redis.call('get', KEYS[2 * i])
  if marked and string.sub(marked, 1, 1) == '+' and is(KEYS[2 * i + 1], keysType) then
    table.insert(numbers, i)
    table.insert(descriptions, string.sub(marked, 2))
    table.insert(sets, KEYS[2 * i + 1])
    if ARGV[1] == 'set' then
      table.insert(counts, redis.call('scard', KEYS[2 * i + 1]))
    elseif ARGV[1] == 'bits' then
      table.insert(counts, redis.call('bitcount', KEYS[2 * i + 1]))
    end
  end
end
local keys = false
if #sets > 0 then
  if ARGV[1] == 'set' then
    keys = redis.call('sinter', unpack(sets))
  elseif ARGV[1] == 'bits' then
    redis.call('bitop', 'and', KEYS[1], unpack(sets))
    keys = redis.call('get', KEYS[1]) or ''
    redis.call('del', KEYS[1])
  else
    keys = redis.call('mget', unpack(sets))
  end
end
return { numbers, descriptions, keys, counts }
