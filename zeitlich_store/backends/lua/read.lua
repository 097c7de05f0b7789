-- Reads in one piece without MULTI, which Redis refuses when it is out of memory; behind a line that
-- makes `replies`. ARGV from the place that the last one names: of each read the number of its words,
-- then the words. A reply may be an error, as in a transaction.
local at = tonumber(ARGV[#ARGV])
while at < #ARGV do
  local last = at + tonumber(ARGV[at])
  replies[#replies + 1] = redis.pcall(unpack(ARGV, at + 1, last))
  at = last + 1
end
return replies
