-- ARGV 4: the new state ("" deletes it), 5: SHA-1 of the state the writer saw ("" for none).
-- Replies with 1 where another writer's state is replaced, else 0.
local m, bad = open(1)
if bad then return bad end
if not m then return false end
local known = answered(m)
if known then return tonumber(known) end
local old = redis.call('GET', KEYS[3]) or ''
if old == ARGV[4] then return 0 end
local seen = old == '' and '' or redis.sha1hex(old)
local overwrote = seen == ARGV[5] and 0 or 1
if ARGV[4] == '' then redis.call('DEL', KEYS[3]) else redis.call('SET', KEYS[3], ARGV[4]) end
commit(m, tostring(overwrote))
return overwrote
