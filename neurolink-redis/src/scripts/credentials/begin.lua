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
local gone = {}
for at = 1, #others + 1 - most do
  gone[at] = others[at].family
  redis.call('HDEL', KEY, gone[at])
end
write({begun = now, rotated = now, token = token, preceding = '', subject = subject}, now, idle, absolute)
return gone
