-- {1 or 0, gate nonce}: is the thread hot, and what does its gate say.
local m, bad = open(1)
if bad then return bad end
return {m and 1 or 0, gate_nonce(1)}
