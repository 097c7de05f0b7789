-- Which of the commands that our scripts run this user may not: replies with their names. KEYS: two
-- that no thread has. Nothing is left behind, and what fails for another reason does not count.
local refused = {}
local function try(command, ...)
  local reply = redis.pcall(command, ...)
  local why = type(reply) == 'table' and reply.err or ''
  local denied = string.find(why, "can't run this command", 1, true)
  if denied or string.find(why, 'no permissions to run', 1, true) then refused[#refused + 1] = command end
end
local a, b = KEYS[1], KEYS[2]
try('UNLINK', a, b)
try('DEL', a, b)
if #refused == 0 then  -- else what is written here would stay
  try('HSET', a, 'f', '1')
  try('HINCRBY', a, 'f', 1)
  try('DEL', a)
  try('RPUSH', a, 'x')
  try('DEL', a)
  try('ZADD', a, 1, 'x')
  try('DEL', a)
  try('SET', a, 'x')
  try('DEL', a)
end
try('HGET', a, 'f')
try('HMGET', a, 'f')
try('HEXISTS', a, 'f')
try('LLEN', a)
try('LRANGE', a, 0, 0)
try('LTRIM', a, 0, 0)
try('GET', a)
try('STRLEN', a)
try('ZCARD', a)
try('ZSCORE', a, 'x')
try('ZREMRANGEBYSCORE', a, 0, 0)
try('EXISTS', a)
try('PTTL', a)
try('PEXPIRE', a, 1)
try('PEXPIREAT', a, 1)
try('RENAME', a, b)
try('COPY', a, b)
try('TIME')
return refused
