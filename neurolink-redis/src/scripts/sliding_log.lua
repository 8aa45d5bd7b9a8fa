-- The times that still count, oldest first: never more than LIMIT.
local now = math.max(time(), tonumber(redis.call('LINDEX', KEY, -1) or 0))

if WHAT == 'give_back' then
  redis.call('LREM', KEY, -1, text(FIRST))
  return {}
end
while true do
  local oldest = redis.call('LINDEX', KEY, 0)
  if not oldest or tonumber(oldest) + WINDOW > now then break end
  redis.call('LPOP', KEY)
end
local count = redis.call('LLEN', KEY)
if WHAT == 'charge_more' then
  -- Only the newest up to the limit decide anything.
  local more = math.min(FIRST, LIMIT)
  for _ = 1, more do redis.call('RPUSH', KEY, text(now)) end
  if count + more > LIMIT then redis.call('LTRIM', KEY, -LIMIT, -1) end
  redis.call('PEXPIRE', KEY, lifetime(WINDOW))
  return {}
end
if count >= LIMIT then
  return refused(tonumber(redis.call('LINDEX', KEY, count - LIMIT)) + WINDOW - now)
end
if WHAT ~= 'look' then
  redis.call('RPUSH', KEY, text(now))
  redis.call('PEXPIRE', KEY, lifetime(WINDOW))
end
return passes(LIMIT - count - 1, WINDOW, now)
