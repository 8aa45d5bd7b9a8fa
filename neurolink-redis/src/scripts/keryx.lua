-- A strict counter where Keryx keeps it: a number for each window of the clock, at the key and the window's number.
-- Keryx's own servers count in the same numbers, so the maths is theirs, to the bit.
local now = time()
local window = math.floor(now / WINDOW)
local function at(index) return KEY .. ':' .. text(index) end
local function lives(key) redis.call('EXPIRE', key, text(math.ceil(WINDOW / 1000) * 2)) end

if WHAT == 'give_back' then
  if tonumber(redis.call('GET', at(FIRST)) or '0') > 0 then redis.call('DECR', at(FIRST)) end
  return {}
end
local current = at(window)
if WHAT == 'charge_more' then
  redis.call('INCRBY', current, text(FIRST))
  lives(current)
  return {}
end
local count
if WHAT == 'look' then
  count = tonumber(redis.call('GET', current) or '0') + 1
else
  count = redis.call('INCR', current)
  lives(current)
end
local previous = tonumber(redis.call('GET', at(window - 1)) or '0')
local used = math.floor(previous * (1 - (now % WINDOW) / WINDOW)) + count
local wait = (window + 1) * WINDOW - now
if used > LIMIT then return refused(wait) end
return passes(LIMIT - used, wait, window)
