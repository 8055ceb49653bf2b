/*
 * Who has come when is one string, `<prefix>grey:{<name>}`: the second of the first attempt, or `in` for one that has come again. By Redis' own
 * clock, as everything here. A key of another kind is an error, and lets mail in.
 */

// ARGV: delay, window, keep. Gives the seconds that are left.
export const greyScript = `
local now = tonumber(redis.call('TIME')[1])
local delay = tonumber(ARGV[1])
local value = redis.call('GET', KEYS[1])
local left = 0
if value ~= 'in' then
  local since = value and tonumber(value)
  if not since or since > now then
    redis.call('SET', KEYS[1], string.format('%d', now), 'EX', ARGV[2])
    return delay
  end
  left = math.max(0, since + delay - now)
end
if left == 0 then redis.call('SET', KEYS[1], 'in', 'EX', ARGV[3]) end
return left`
