local token, subject = ARGV[3], ARGV[4]
local idle, absolute, most = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local now = time()
local others = {}
local all = redis.call('HGETALL', KEY)
for at = 1, #all, 2 do
  local login = parsed(all[at + 1])
  if not login or now >= ends(login, idle, absolute) then
    redis.call('HDEL', KEY, all[at])
  else
    others[#others + 1] = {family = all[at], begun = login.begun}
  end
end
table.sort(others, function(one, other) return one.begun < other.begun end)
for at = 1, #others + 1 - most do redis.call('HDEL', KEY, others[at].family) end
write({begun = now, rotated = now, token = token, preceding = '', subject = subject}, now, idle, absolute)
return {}
