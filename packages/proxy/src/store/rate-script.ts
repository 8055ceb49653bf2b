/*
 * A rate is one string, `<prefix>rate:{<name>}`: the second, with its fractions, until which all that were let in will have been worked off (admit in the
 * rules). It expires then. By Redis' own clock, as everything here.
 */

// ARGV: count, period. Gives the milliseconds until the next will be within the rate.
export const rateScript = `
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local count, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local from = math.max(tonumber(redis.call('GET', KEYS[1]) or '') or now, now)
local next = from + period / count
local wait = next - period - now
if wait > 1e-6 then return math.ceil(wait * 1000) end
redis.call('SET', KEYS[1], string.format('%.6f', next), 'PX', math.ceil((next - now) * 1000))
return 0`
