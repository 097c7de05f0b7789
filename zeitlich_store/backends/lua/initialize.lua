-- ARGV 4: the gate that was seen, 5: "1" to replace what is hot, 6: token and 7: generation of the
-- archive version the new thread replaces.
local m, bad = open(1)
local replace = ARGV[5] == '1'
if bad and not replace then return bad end
if m and answered(m) then return 'ok' end
if m and not replace then return 'hot' end
if not replace and gate_nonce(1) ~= ARGV[4] then return 'stale' end
remove(1)
create(1, {dirty = '1', token = ARGV[6], generation = ARGV[7]})
return 'ok'
