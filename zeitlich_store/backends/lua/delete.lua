-- First half of a delete: the keys go, whatever state they are in; flushes under way are marked
-- dead, those of copies given up before as well, but not the version in the archive: until that is
-- deleted too, it is the thread. Replies with the token of the version the copy contained. The gate
-- remembers the answer: a resend gets it and spares what is hot since.
local bad = gate_damage(1)
if bad then return bad end
local answer = redis.call('HGET', KEYS[5], 'delete:' .. OP)
if answer then return answer end
local values = redis.pcall('HMGET', KEYS[1], 'token', 'pending', 'head')
local token, pending, head = '', '', ''
if not values.err then token, pending, head = values[1] or '', values[2] or '', values[3] or '' end
local past = redis.call('HGET', KEYS[5], 'past') or ''
though_full()
remove(1)
set_gate('deleted', without(past .. ' ' .. pending, head), GATE_MS)
-- What was archived before must not count any more either, once the archive is deleted.
local gate = redis.call('HMGET', KEYS[5], 'behind', 'landed')
local behind = remember(gate[1] or '', gate[2] or '', DEAD)
redis.call('HSET', KEYS[5], 'doomed', head, 'behind', behind, 'landed', '', 'delete:' .. OP, token)
return token
