-- The beginning of every script. One key; whole milliseconds; numbers stay below 2^53, where a double is exact.
local KEY, WHAT, CALLER = KEYS[1], ARGV[1], ARGV[2]
local LIMIT, WINDOW, FULL = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local FIRST, SECOND = tonumber(ARGV[6]), tonumber(ARGV[7]) -- a charge, or how many more
local MOST = 4294967295
-- A key outlives what it counts by this, for clocks that differ a little.
local GRACE = 1000

local function time()
  if CALLER ~= '' then return tonumber(CALLER) end
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
end

local function text(number) return string.format('%.0f', number) end
local function lifetime(rest) return text(math.max(rest, 0) + GRACE) end

-- A state is a few numbers in one string. The last is the latest time that was seen: a key's time never goes back.
local function read()
  local state = {}
  for number in string.gmatch(redis.call('GET', KEY) or '', '%d+') do state[#state + 1] = tonumber(number) end
  return state
end

local function write(rest, ...)
  if WHAT == 'look' then return end
  local state = {...}
  for index, number in ipairs(state) do state[index] = text(number) end
  redis.call('SET', KEY, table.concat(state, ' '), 'PX', lifetime(rest))
end

-- A look is answered as taking one would be, and changes nothing.
-- An answer: whether it passes, what is left, how long to wait, the charge. What is refused changes nothing, but for a strict counter.
local function passes(left, wait, first, second) return {1, left, wait, first, second or 0} end
local function refused(wait) return {0, 0, wait, 0, 0} end
