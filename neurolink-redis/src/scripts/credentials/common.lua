-- The beginning of every script about logins. One key, a hash: all logins of a user, each a field. Whole milliseconds.
local KEY, CALLER, FAMILY = KEYS[1], ARGV[1], ARGV[2]

local function time()
  if CALLER ~= '' then return tonumber(CALLER) end
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
end

local function text(number) return string.format('%.0f', number) end

-- A login is a text: when it began, when the token that counts came to count, the hash of that token and of the one
-- before it, and whose it is.
local function parsed(value)
  local begun, rotated, token, preceding, subject = string.match(value or '', '^(%d+) (%d+) (%x+) (%x*) (.*)$')
  if begun then return {begun = tonumber(begun), rotated = tonumber(rotated), token = token, preceding = preceding, subject = subject} end
end

local function read() return parsed(redis.call('HGET', KEY, FAMILY)) end

local function ends(login, idle, absolute) return math.min(login.rotated + idle, login.begun + absolute) end

local function write(login, now, idle, absolute)
  local value = text(login.begun) .. ' ' .. text(login.rotated) .. ' ' .. login.token .. ' ' .. login.preceding .. ' ' .. login.subject
  redis.call('HSET', KEY, FAMILY, value)
  -- The key lasts as long as the last of its logins.
  local lasts = math.max(ends(login, idle, absolute) - now, 1)
  if redis.call('PTTL', KEY) < lasts then redis.call('PEXPIRE', KEY, text(lasts)) end
end
