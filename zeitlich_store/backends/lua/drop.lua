-- Gives the hot copy up, damaged or not.
local removed = remove(1)
if removed > 0 then set_gate('dropped', '', GATE_MS) end
return removed > 0 and 1 or 0
