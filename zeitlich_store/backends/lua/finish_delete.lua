-- Second half of a delete. ARGV 4: number of tokens, then the tokens and the write ids of the
-- archive versions deleted: removes only a copy restored from one of them, or that wrote one.
local bad = gate_damage(1)
if bad then return bad end
local n = tonumber(ARGV[4])
local m = open(1)
local from_deleted = false
for i = 5, 4 + n do
  if m and m.token == ARGV[i] then from_deleted = true end
end
for i = 5 + n, #ARGV do
  if m and contains(m.pending, ARGV[i]) then from_deleted = true end
end
local dead = table.concat(ARGV, ' ', 5 + n, #ARGV)
dead = dead .. ' ' .. (redis.call('HGET', KEYS[5], 'behind') or '')
if from_deleted then dead = dead .. ' ' .. m.pending end  -- its flushes under way, too
though_full()
set_gate('deleted', dead, GATE_MS)
if from_deleted then remove(1) end
return from_deleted and 1 or 0
