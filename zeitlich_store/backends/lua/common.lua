-- Put in front of every script that works on a thread.
-- KEYS: meta, list, state, ids, gate (five a thread).  ARGV: operation id, dirty ttl, clean ttl (ms).
local OP, DIRTY_MS, CLEAN_MS = ARGV[1], ARGV[2], ARGV[3]
local GATE_MS = 3600000
-- How many operation ids, flush attempts and dead attempts of a thread are remembered.
local OPS, ATTEMPTS, DEAD, CHUNK = 64, 128, 256, 1000
local FIELDS = {'inc', 'ctr', 'n', 'ns', 'ni', 'lineage', 'generation', 'token', 'dirty', 'pending',
                'ops', 'dead', 'fork_of', 'head', 'exports'}

local function whole(number) return string.format('%.0f', number) end

local function corrupt(why) return redis.error_reply('ZSCORRUPT ' .. why) end

-- The reply of a size command, nil where the key has another type.
local function size(command, key)
  local n = redis.pcall(command, key)
  if type(n) == 'table' then return nil end
  return n
end

-- Whether a text is a whole number as we write them, so small that counting on from it stays exact.
local function counts(text, digits) return #text <= (digits or 15) and string.find(text, '^%d+$') ~= nil end

-- An error where the gate is not ours any more: what it forgot might let a deleted version count.
local function gate_damage(first)
  local closed = redis.pcall('HGET', KEYS[first + 4], 'closed')
  if type(closed) == 'table' then return redis.error_reply('ZSGATE the key is of another type') end
  if closed and not counts(closed) then return redis.error_reply('ZSGATE its count is no number') end
  return nil
end

-- meta as a table, nil where the thread is not hot, or nil and an error where part of it is gone.
-- Nothing has been written when it fails: Redis does not roll a script back.
local function open(first)
  local n, ns = size('LLEN', KEYS[first + 1]), size('STRLEN', KEYS[first + 2])
  local ni = size('ZCARD', KEYS[first + 3])
  local values = redis.pcall('HMGET', KEYS[first], unpack(FIELDS))
  if values.err or not (n and ns and ni) then return nil, corrupt('a key is of another type') end
  if not values[1] then
    if n + ns + ni > 0 or redis.call('EXISTS', KEYS[first]) == 1 then
      return nil, corrupt('meta is missing while other keys of the thread are there')
    end
    return nil, gate_damage(first)
  end
  local m = {}
  for i, name in ipairs(FIELDS) do m[name] = values[i] or '' end
  if m.n ~= whole(n) then return nil, corrupt('the list has ' .. n .. ' messages, meta says ' .. m.n) end
  if m.ns ~= whole(ns) then return nil, corrupt('the state has ' .. ns .. ' bytes, meta says ' .. m.ns) end
  if m.ni ~= whole(ni) then return nil, corrupt('there are ' .. ni .. ' ids, meta says ' .. m.ni) end
  if not (counts(m.ctr) and counts(m.generation, 20) and (m.exports == '' or counts(m.exports))) then
    return nil, corrupt('a count in meta is no number')
  end
  if m.inc == '' or not (m.dirty == '0' or m.dirty == '1') then
    return nil, corrupt('meta does not say whether the thread is archived')
  end
  local bad = gate_damage(first)
  if bad then return nil, bad end
  return m
end

-- The reply a change with this operation id gave before, nil where it is new.
local function answered(m)
  for op, reply in string.gmatch(m.ops, '(%S+)=(%S*)') do
    if op == OP then return reply end
  end
  return nil
end

-- The last `limit` of some words and then of new ones, each once.
local function remember(words, new, limit)
  local fresh, kept = {}, {}
  for word in string.gmatch(new, '%S+') do fresh[word] = true end
  for word in string.gmatch(words, '%S+') do
    if not fresh[word] then kept[#kept + 1] = word end
  end
  for word in string.gmatch(new, '%S+') do kept[#kept + 1] = word end
  return table.concat(kept, ' ', math.max(1, #kept - limit + 1))
end

local function contains(words, word)
  return string.find(' ' .. words .. ' ', ' ' .. word .. ' ', 1, true) ~= nil
end

-- One expiry for the four keys of a thread.
local function expire(first, ms)
  local now = redis.call('TIME')
  local at = whole(tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000) + tonumber(ms))
  for i = first, first + 3 do redis.call('PEXPIREAT', KEYS[i], at) end
end

local function lengths(first)
  return 'n', redis.call('LLEN', KEYS[first + 1]), 'ns', redis.call('STRLEN', KEYS[first + 2]),
         'ni', redis.call('ZCARD', KEYS[first + 3])
end

-- Ends a change: counter, lengths, dirty mark, operation id and its reply, expiry.
local function commit(m, reply)
  redis.call('HSET', KEYS[1], 'ctr', whole(tonumber(m.ctr) + 1), 'dirty', '1',
             'ops', remember(m.ops, OP .. '=' .. reply, OPS), lengths(1))
  expire(1, DIRTY_MS)
end

-- Lets a script that frees memory go on in a Redis that is out of it: there a command that may take some
-- is refused only as the first write. The range is empty: nothing is removed and nothing propagated.
local function though_full() redis.pcall('ZREMRANGEBYSCORE', KEYS[4], '1', '0') end

local function gate_dead(first) return redis.call('HGET', KEYS[first + 4], 'dead') or '' end

local function gate_nonce(first) return redis.call('HGET', KEYS[first + 4], 'nonce') or '' end

-- The ids always hold the empty id, which no message has: so even an empty thread has two keys, and
-- the loss of either shows.
local function keep_sentinel(first) redis.call('ZADD', KEYS[first + 3], '-2', '') end

-- The words but one.
local function without(words, word)
  local kept = {}
  for other in string.gmatch(words, '%S+') do
    if other ~= word then kept[#kept + 1] = other end
  end
  return table.concat(kept, ' ')
end

-- Ends a step that makes a thread hot: the operation id is the new incarnation.
local function create(first, fields)
  keep_sentinel(first)
  redis.call('HSET', KEYS[first], 'inc', OP, 'ctr', '0', 'lineage', fields.lineage or OP,
             'generation', fields.generation or '0', 'token', fields.token or '',
             'dirty', fields.dirty, 'pending', '', 'ops', fields.ops or (OP .. '=1'),
             'dead', gate_dead(first), 'fork_of', fields.fork_of or '', 'head', fields.head or '',
             lengths(first))
  expire(first, fields.dirty == '1' and DIRTY_MS or CLEAN_MS)
end

-- The gate: says to a step that read something earlier that the world has moved on since.
local function set_gate(kind, dead, ms)
  local words = remember(gate_dead(1), dead, DEAD)
  local left = redis.call('PTTL', KEYS[5])
  -- Counted, so that a nonce never comes back when the same request lands again.
  local closed = redis.call('HINCRBY', KEYS[5], 'closed', 1)
  redis.call('HSET', KEYS[5], 'nonce', OP .. ':' .. closed, 'kind', kind, 'dead', words)
  redis.call('PEXPIRE', KEYS[5], whole(math.max(left, tonumber(ms))))
end

-- Flushes under way of a copy that is given up or may expire: their puts may still land, and a
-- delete that finds no copy has to know them.
local function give_up(m)
  local past = redis.call('HGET', KEYS[5], 'past') or ''
  local words = remember(past, without(m.pending, m.head), DEAD)
  local left = redis.call('PTTL', KEYS[5])
  redis.call('HSET', KEYS[5], 'past', words)
  redis.call('PEXPIRE', KEYS[5], whole(math.max(left, GATE_MS)))
end

-- An attempt that has archived the thread: its put, sent twice, may land again behind a delete.
local function landed(write_id)
  local words = redis.call('HGET', KEYS[5], 'landed') or ''
  redis.call('HSET', KEYS[5], 'landed', remember(words, write_id, ATTEMPTS))
end

local function remove(first)
  return redis.call('UNLINK', KEYS[first], KEYS[first + 1], KEYS[first + 2], KEYS[first + 3])
end

-- Calls `command key item ...` for ARGV[from] to ARGV[to], in pieces Lua's stack can hold.
local function push(command, key, items, from, to)
  for i = from, to, CHUNK do
    redis.call(command, key, unpack(items, i, math.min(i + CHUNK - 1, to)))
  end
end
