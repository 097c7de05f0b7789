-- Replaces every message; ARGV from 4: see content.lua.
local m, bad = open(1)
if bad then return bad end
if not m then return false end
if answered(m) then return 1 end
local c = content(4)
if not staging_is_whole(c) then return staging_lost() end
write(c)
keep_sentinel(1)
commit(m, '1')
return 1
