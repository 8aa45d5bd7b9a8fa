local state = read()
local ends, count = state[1] or 0, state[2] or 0
local now = math.max(time(), state[3] or 0)

if WHAT == 'give_back' then
  if ends == FIRST and count > 0 then write(ends - now, ends, count - 1, now) end
  return {}
end
if ends <= now then ends, count = now + WINDOW, 0 end
if WHAT == 'charge_more' then
  write(ends - now, ends, math.min(count + FIRST, MOST), now)
  return {}
end
if count >= LIMIT then return refused(ends - now) end
write(ends - now, ends, count + 1, now)
return passes(LIMIT - count - 1, ends - now, ends)
