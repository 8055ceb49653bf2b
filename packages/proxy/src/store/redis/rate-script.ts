/*
 * A rate is one string, `<prefix>rate:{<scope>}` or, of a name within the scope, `<prefix>rate:{<scope>}<name>`: the second, with its fractions, until
 * which all that were let in will have been worked off (admit in the rules). It expires then. By Redis' own clock, as everything here. The
 * rates of a scope are in one slot of a cluster: a connection is counted under its address and its network at once, or under neither.
 */

// KEYS: rates. ARGV: count and period of each. Gives which of them the connection is beyond (0: none, and it is counted under all), and the
// milliseconds until the next will be within that.
export const rateScript = `
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local nexts = {}
for i = 1, #KEYS do
  local count, period = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local from = math.min(math.max(tonumber(redis.call('GET', KEYS[i]) or '') or now, now), now + period)
  local next = from + period / count
  local wait = next - period - now
  if wait > 1e-6 then return {i, math.floor(wait * 1000)} end
  nexts[i] = next
end
for i = 1, #KEYS do
  redis.call('SET', KEYS[i], string.format('%.6f', nexts[i]), 'PX', math.ceil((nexts[i] - now) * 1000))
end
return {0, 0}`
