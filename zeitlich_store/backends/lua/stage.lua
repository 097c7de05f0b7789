-- Adds one chunk to the staging keys. KEYS: staged list, staged ids.
-- ARGV: length of the list before this chunk, ttl (ms), number of items, items, (index, id) pairs.
-- A resend of a chunk that already landed changes nothing.
local offset, ttl, n = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local have = redis.call('LLEN', KEYS[1])
if have ~= offset and have ~= offset + n then
  return redis.error_reply('ZSSTAGE a staged chunk is missing')
end
if have == offset then
  for i = 4, 3 + n, 1000 do
    redis.call('RPUSH', KEYS[1], unpack(ARGV, i, math.min(i + 999, 3 + n)))
  end
end
for i = 4 + n, #ARGV, 1000 do
  redis.call('ZADD', KEYS[2], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('PEXPIRE', KEYS[2], ttl)
return offset + n
