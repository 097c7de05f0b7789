-- ARGV 4: the gate that was seen, 5: "1" to replace what is hot, 6: token, 7: generation and 8: write
-- id of the archive version the new thread replaces.
local m, bad = open(1)
local replace = ARGV[5] == '1'
if bad and not replace then return bad end
bad = gate_damage(1)
if bad then return bad end
if m and answered(m) then return 'ok' end
if m and not replace then return 'hot' end
if not replace and gate_nonce(1) ~= ARGV[4] then return 'stale' end
if m then give_up(m) end
remove(1)
create(1, {dirty = '1', token = ARGV[6], generation = ARGV[7], head = ARGV[8]})
return 'ok'
