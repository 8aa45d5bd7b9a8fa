local presented, successor = ARGV[3], ARGV[4]
local idle, absolute, grace = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local login = read()
if not login then return {'unknown'} end
-- A clock that went back makes nothing younger.
local now = math.max(time(), login.rotated)
if now >= ends(login, idle, absolute) then
  redis.call('HDEL', KEY, FAMILY)
  return {'unknown'}
end
local left = text(login.begun + absolute - now)
if presented == login.token then
  login.preceding, login.token, login.rotated = login.token, successor, now
  write(login, now, idle, absolute)
  return {'rotated', left}
end
if presented == login.preceding and now <= login.rotated + grace then return {'again', left} end
redis.call('HDEL', KEY, FAMILY)
return {'reused'}
