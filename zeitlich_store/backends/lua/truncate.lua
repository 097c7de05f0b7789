-- ARGV 4: a message id. Removes that message and all after it; replies with the number removed,
-- -1 where the id is known but the place of its message is not.
local m, bad = open(1)
if bad then return bad end
if not m then return false end
local known = answered(m)
if known then return tonumber(known) end
local at = redis.call('ZSCORE', KEYS[4], ARGV[4])
if not at then return 0 end
at = tonumber(at)
if at < 0 then return -1 end
if at >= tonumber(m.n) or at ~= math.floor(at) then return corrupt('an id has no message') end
local removed = tonumber(m.n) - at
if at == 0 then redis.call('DEL', KEYS[2]) else redis.call('LTRIM', KEYS[2], 0, at - 1) end
redis.call('ZREMRANGEBYSCORE', KEYS[4], at, '+inf')
commit(m, whole(removed))
return removed
