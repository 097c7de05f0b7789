-- Notes a write id for this attempt and replies with meta; runs in one transaction with the reads.
-- The write id depends on a counter, so that a resend after a lost reply carries a new one.
local m, bad = open(1)
if bad then return bad end
if not m then return false end
though_full()
local attempt = redis.call('HINCRBY', KEYS[1], 'exports', 1)
local write_id = string.sub(redis.sha1hex(OP .. ':' .. attempt), 1, 32)
local pending = remember(m.pending, write_id, ATTEMPTS)
redis.call('HSET', KEYS[1], 'pending', pending)
return {write_id, m.inc .. ':' .. m.ctr, m.token, m.generation, m.dirty, pending, m.dead, m.ops, m.lineage}
