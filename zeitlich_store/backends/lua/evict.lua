-- ARGV 4: revision, 5: token of the base exported, 6: token and 7: generation of the archive that
-- holds the export, 8: this attempt's write id, 9: "1" to keep the thread hot, 10: write id of the
-- archive written ("" where nothing was).
local revision, old_token, token, generation = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local write_id, keep, head = ARGV[8], ARGV[9] == '1', ARGV[10]
local m, bad = open(1)
if bad then return bad end
if not m then
  local gate = redis.call('HMGET', KEYS[5], 'kind', 'doomed', 'behind')
  local deleted = gate[1] == 'deleted'
  -- A put of a version that a delete removes or leaves behind may land, sent again, after it.
  local removed = deleted and contains((gate[2] or '') .. ' ' .. (gate[3] or ''), head)
  if head == '' or not (contains(gate_dead(1), head) or removed) then return 'gone' end
  return deleted and 'undo' or 'dead'
end
if not contains(m.pending, write_id) then return 'changed' end
though_full()
local same_base = m.token == old_token
if m.inc .. ':' .. m.ctr ~= revision then
  if same_base and token ~= old_token then
    redis.call('HSET', KEYS[1], 'token', token, 'generation', generation, 'head', head)
  end
  return 'changed'
end
if keep then
  if same_base then
    redis.call('HSET', KEYS[1], 'dirty', '0', 'token', token, 'generation', generation)
    if head ~= '' then redis.call('HSET', KEYS[1], 'head', head) end
    expire(1, CLEAN_MS)
  end
  if head ~= '' then m.head = head end
  give_up(m)  -- a clean copy may expire while others still flush what it held before
  set_gate('archived', '', tonumber(CLEAN_MS) + GATE_MS)
  landed(head)
  return 'evicted'
end
local dead = {}
for word in string.gmatch(m.pending, '%S+') do
  if head ~= '' and word ~= head then dead[#dead + 1] = word end
end
remove(1)
set_gate('archived', table.concat(dead, ' '), GATE_MS)
landed(head)
return 'evicted'
