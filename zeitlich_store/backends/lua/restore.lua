-- ARGV 4: the gate that was seen, 5: write id, 6: lineage, 7: token, 8: generation and 9: operation
-- ids of the archive, 10: state, 11: dirty ("0" or "1"); from 12: see content.lua. All or nothing, to any reader.
local m, bad = open(1)
if bad then return bad end
if m then return m.inc == OP and 'ok' or 'hot' end
if gate_nonce(1) ~= ARGV[4] then return 'stale' end
if ARGV[5] ~= '' and contains(gate_dead(1), ARGV[5]) then return 'dead' end
local c = content(12)
if not staging_is_whole(c) then return staging_lost() end
write(c)
if ARGV[10] ~= '' then redis.call('SET', KEYS[3], ARGV[10]) end
local lineage = ARGV[6]
if lineage == '' then lineage = OP end
create(1, {dirty = ARGV[11], lineage = lineage, token = ARGV[7], generation = ARGV[8], ops = ARGV[9],
           head = ARGV[5]})
return 'ok'
