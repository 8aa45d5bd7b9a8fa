-- A request weighs WINDOW units, of which LIMIT drain in a millisecond; FULL fit.
local state = read()
local units, at = state[1] or 0, state[2] or 0
local now = math.max(time(), at)
units = math.max(units - (now - at) * LIMIT, 0)
local function keep() write(math.ceil(units / LIMIT), units, now) end

if WHAT == 'give_back' then
  -- What has drained is not given back: another's request may have passed for it.
  if FIRST >= now then
    units = math.max(units - math.min((FIRST - now) * LIMIT + SECOND, WINDOW), 0)
    keep()
  end
  return {}
end
if WHAT == 'charge_more' then
  units = math.min(units + FIRST * WINDOW, 9007199254740991)
  keep()
  return {}
end
local filled = units + WINDOW
if filled > FULL then return refused(math.ceil((filled - FULL) / LIMIT)) end
units = filled
keep()
local whole, part = math.floor(units / LIMIT), units % LIMIT
return passes(math.floor((FULL - units) / WINDOW), math.ceil(units / LIMIT), now + whole, part)
