-- ARGV 4: "1" where (id, message) pairs lie in the staging list KEYS[6] and 5 says how many items;
-- else pairs from ARGV 6 on. An empty id means: not deduplicated. Replies with the number stored.
local m, bad = open(1)
if bad then return bad end
if not m then return false end
local known = answered(m)
if known then return tonumber(known) end
local staged, items = ARGV[4] == '1', tonumber(ARGV[5])
if staged and size('LLEN', KEYS[6]) ~= items then
  return redis.error_reply('ZSSTAGE the staged messages are not complete any more')
end

local n, added = tonumber(m.n), 0
local function take(pairs_, from, to)
  local raws, scored, fresh = {}, {}, {}
  for i = from, to, 2 do
    local id, raw = pairs_[i], pairs_[i + 1]
    if id == '' or not (fresh[id] or redis.call('ZSCORE', KEYS[4], id)) then
      if id ~= '' then
        fresh[id] = true
        scored[#scored + 1] = n
        scored[#scored + 1] = id
      end
      raws[#raws + 1] = raw
      n = n + 1
    end
  end
  push('RPUSH', KEYS[2], raws, 1, #raws)
  push('ZADD', KEYS[4], scored, 1, #scored)
  added = added + #raws
end

if staged then
  for i = 0, items - 1, CHUNK do
    local part = redis.call('LRANGE', KEYS[6], i, i + CHUNK - 1)
    take(part, 1, #part)
  end
  redis.call('UNLINK', KEYS[6])
else
  take(ARGV, 6, #ARGV)
end
if added > 0 then commit(m, tostring(added)) end
return added
