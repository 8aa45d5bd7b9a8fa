local state = read()
local ends, count, previous = state[1] or 0, state[2] or 0, state[3] or 0
local now = math.max(time(), state[4] or 0)
local function keep() write(ends + WINDOW - now, ends, count, previous, now) end

if WHAT == 'give_back' then
  if ends == FIRST then
    count = math.max(count - 1, 0)
    keep()
  elseif ends == FIRST + WINDOW then
    previous = math.max(previous - 1, 0)
    keep()
  end
  return {}
end
if ends <= now then
  if now < ends + WINDOW then
    ends, count, previous = ends + WINDOW, 0, count
  else
    ends, count, previous = (math.floor(now / WINDOW) + 1) * WINDOW, 0, 0
  end
end
if WHAT == 'charge_more' then
  count = math.min(count + FIRST, MOST)
  keep()
  return {}
end
local used = math.floor(previous * math.min(ends - now, WINDOW) / WINDOW) + count
if used < LIMIT then
  count = count + 1
  keep()
  return passes(LIMIT - used - 1, ends - now, ends)
end
if STRICT then
  count = math.min(count + 1, MOST)
  keep()
  return refused(ends - now)
end
-- The first millisecond at which enough has faded; if this window is full by itself, it has to fade in its turn.
local starts, fading, room = ends - WINDOW, previous, LIMIT - count
if count >= LIMIT then starts, fading, room = ends, count, LIMIT end
local rest = math.min(math.ceil(room * WINDOW / math.max(fading, 1)) - 1, WINDOW)
return refused(starts + WINDOW - rest - now)
