-- Messages and ids of a replace or restore, from ARGV or from two staging keys (KEYS 6 and 7).
-- ARGV from `at`: number of messages, number of ids, "1" if staged; else messages, (index, id) pairs.
local function content(at)
  return {n = tonumber(ARGV[at]), ni = tonumber(ARGV[at + 1]), staged = ARGV[at + 2] == '1', at = at + 3}
end

local function staging_is_whole(c)
  return not c.staged or (size('LLEN', KEYS[6]) == c.n and size('ZCARD', KEYS[7]) == c.ni)
end

local function staging_lost()
  return redis.error_reply('ZSSTAGE the staged messages are not complete any more')
end

local function write(c)
  redis.call('UNLINK', KEYS[2], KEYS[4])
  if c.staged then
    if c.n > 0 then redis.call('RENAME', KEYS[6], KEYS[2]) end
    if c.ni > 0 then redis.call('RENAME', KEYS[7], KEYS[4]) end
    return
  end
  local ids = c.at + c.n
  push('RPUSH', KEYS[2], ARGV, c.at, ids - 1)
  push('ZADD', KEYS[4], ARGV, ids, ids + 2 * c.ni - 1)
end
