-- Gives the hot copy up, damaged or not; where ARGV 4 is not empty, only at that revision. The gate
-- remembers it: a resend spares what is hot since.
local bad = gate_damage(1)
if bad then return bad end
if redis.call('HEXISTS', KEYS[5], 'drop:' .. OP) == 1 then return 1 end
local m = open(1)
if ARGV[4] ~= '' and not (m and m.inc .. ':' .. m.ctr == ARGV[4]) then return 0 end
though_full()
if m then give_up(m) end
local removed = remove(1)
if removed > 0 then
  set_gate('dropped', '', GATE_MS)
  redis.call('HSET', KEYS[5], 'drop:' .. OP, '1')
end
return removed > 0 and 1 or 0
