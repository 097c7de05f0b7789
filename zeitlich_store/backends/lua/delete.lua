-- First half of a delete: the keys go, whatever state they are in; flushes under way are marked
-- dead. Replies with the token of the archive version the copy contained.
local values = redis.pcall('HMGET', KEYS[1], 'token', 'pending')
local token, pending = '', ''
if not values.err then token, pending = values[1] or '', values[2] or '' end
remove(1)
set_gate('deleted', pending, GATE_MS)
return token
