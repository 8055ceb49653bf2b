import { mostCounted, scoreBounds } from '@sallyport/rules'

/*
 * A client is one hash, `<prefix>client:{<client>}`, with a field for each check: `p:<check>` passed, `f:<check>` failed; the
 * value is the second at which it no longer holds. The field `r` is what is known of its mail: score, the second at which it was so,
 * messages taken, refused, unknown recipients; it fades from then on as reputation.ts in the rules has it. The key itself
 * expires when its last field does. The braces keep a client on one node of a cluster (Redis Cluster specification, hash tags).
 *
 * Expiry and fading are by Redis' own clock, in both scripts: gates whose clocks differ then agree about every client, and one that
 * starts with a clock of 1970 neither forgets everybody nor remembers for fifty years. What crosses the connection is always
 * a number of seconds to go, or gone by.
 *
 * Not taken: HGETALL and the gate's clock, which saves Redis about a sixth of its work but trusts every gate's clock and reads
 * whatever is there, however large; a ttl for each field (Redis 7.4); functions in place of scripts, which would have to be
 * installed first; auto-pipelining, which makes one recall wait for the answers of others; a field for each of the five numbers,
 * which takes more than twice the memory.
 */

/** More fields than a client can have: it is somebody else's hash. */
const mostFields = 128

/** Reads the field `r`: score, age, and the rest as it stands; nil: it is none of ours. */
const readRepute = `
local function readRepute(text, now)
  local score, at, rest = string.match(text, '^(-?%d[%d.]*) (%d+) (%d[%d.]* %d[%d.]* %d[%d.]*)$')
  if not tonumber(score) then return nil end
  return tonumber(score), math.max(0, now - tonumber(at)), rest
end`

export const recallScript = `${readRepute}
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('HLEN', KEYS[1]) > ${mostFields} then return {} end
local now = tonumber(redis.call('TIME')[1])
local fields = redis.call('HGETALL', KEYS[1])
local live = {}
for i = 1, #fields, 2 do
  if fields[i] == 'r' then
    local score, age, rest = readRepute(fields[i + 1], now)
    if score then
      live[#live + 1] = 'r'
      live[#live + 1] = string.format('%.6g %d %s', score, age, rest)
    end
  else
    local left = (tonumber(fields[i + 1]) or 0) - now
    if left >= 1 and left < 4e9 then
      live[#live + 1] = fields[i]
      live[#live + 1] = left
    end
  end
end
return live`

// ARGV: half-lives of bad and good; score, accepted, content, unknown to add (0 each: nothing is added); then field, ttl, field,
// ttl ... Passes come before failures, so that a failure takes the pass of its name back.
export const rememberScript = `${readRepute}
local function tenths(value) return math.floor(value * 10 + 0.5) / 10 end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then return 0 end
if kind == 'hash' and redis.call('HLEN', KEYS[1]) > ${mostFields} then return 0 end
local now = tonumber(redis.call('TIME')[1])
local known, gone = {}, {}
local repute
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if fields[i] == 'r' then repute = fields[i + 1] else
    local expiry = tonumber(fields[i + 1]) or 0
    if expiry > now and expiry < now + 4e9 then known[fields[i]] = expiry else gone[#gone + 1] = fields[i] end
  end
end
for i = 7, #ARGV, 2 do
  local passed = 'p:' .. string.sub(ARGV[i], 3)
  if string.sub(ARGV[i], 1, 2) == 'f:' and known[passed] then
    known[passed] = nil
    gone[#gone + 1] = passed
  end
end
local fresh = {}
for i = 7, #ARGV, 2 do
  local expiry = now + tonumber(ARGV[i + 1])
  if expiry > (known[ARGV[i]] or 0) then
    known[ARGV[i]] = expiry
    fresh[#fresh + 1] = ARGV[i]
    fresh[#fresh + 1] = string.format('%d', expiry)
  end
end
local last = 0
for _, expiry in pairs(known) do if expiry > last then last = expiry end end

local bad, good = tonumber(ARGV[1]), tonumber(ARGV[2])
local score, age, rest = 0, 0, '0 0 0'
if repute then
  local s, a, r = readRepute(repute, now)
  if s then score, age, rest = s, a, r end
end
local halfLife = { bad, good, bad, bad }
if score < 0 then halfLife[1] = good end
local values = { score }
for value in string.gmatch(rest, '%S+') do values[#values + 1] = tonumber(value) or 0 end
local left = 0
for i = 1, 4 do
  local value = values[i] * 0.5 ^ (age / halfLife[i]) + tonumber(ARGV[i + 2])
  local from, to = 0, ${mostCounted}
  if i == 1 then from, to = ${scoreBounds.least}, ${scoreBounds.most} end
  value = math.max(from, math.min(to, value))
  values[i] = value
  local fades = halfLife[i]
  if i == 1 then fades = value < 0 and good or bad end
  local size = math.abs(value)
  if size >= 0.5 then left = math.max(left, math.ceil(fades * math.log(size / 0.5) / math.log(2) + 1)) end
end
if left > 0 then
  fresh[#fresh + 1] = 'r'
  fresh[#fresh + 1] = string.format('%.4g %d %.4g %.4g %.4g', tenths(values[1]), now, tenths(values[2]), tenths(values[3]), tenths(values[4]))
  if now + left > last then last = now + left end
elseif repute then gone[#gone + 1] = 'r' end

if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
if #fresh > 0 then redis.call('HSET', KEYS[1], unpack(fresh)) end
if last > 0 then redis.call('EXPIREAT', KEYS[1], string.format('%d', last)) end
return 1`
