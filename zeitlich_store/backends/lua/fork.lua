-- KEYS 1 to 5: the source, 6 to 10: the target. ARGV 4: "1" to check the gate, 5: the gate seen.
-- 'damaged ...': it is the target that is damaged.
local target, bad = open(6)
if bad then return 'damaged ' .. bad.err end
local m
m, bad = open(1)
if bad then return bad end
local revision = m and (m.inc .. ':' .. m.ctr)
if target then
  if answered(target) or (target.ctr == '0' and target.fork_of == revision) then return 'ok' end
  return 'hot'
end
if ARGV[4] == '1' and gate_nonce(6) ~= ARGV[5] then return 'stale' end
if not m then return 'not-hot' end
for i = 2, 4 do redis.call('COPY', KEYS[i], KEYS[i + 5]) end
create(6, {dirty = '1', fork_of = revision})
return 'ok'
