-- Gives the hot copy up, damaged or not. A resend finds its own gate and spares what is hot since.
if gate_nonce(1) == OP then return 1 end
local m = open(1)
if m then give_up(m) end
local removed = remove(1)
if removed > 0 then set_gate('dropped', '', GATE_MS) end
return removed > 0 and 1 or 0
