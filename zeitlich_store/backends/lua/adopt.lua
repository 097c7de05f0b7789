-- A fork whose source lies on another cluster slot, so that its content is sent.
-- ARGV 4: "1" to check the gate, 5: the gate seen, 6: revision of the source ("": it is not hot),
-- 7: state; from 8: see content.lua.
local m, bad = open(1)
if bad then return bad end
local revision = ARGV[6]
if m then
  if answered(m) or (revision ~= '' and m.ctr == '0' and m.fork_of == revision) then return 'ok' end
  return 'hot'
end
if ARGV[4] == '1' and gate_nonce(1) ~= ARGV[5] then return 'stale' end
if revision == '' then return 'not-hot' end
local c = content(8)
if not staging_is_whole(c) then return staging_lost() end
write(c)
if ARGV[7] ~= '' then redis.call('SET', KEYS[3], ARGV[7]) end
create(1, {dirty = '1', fork_of = revision})
return 'ok'
