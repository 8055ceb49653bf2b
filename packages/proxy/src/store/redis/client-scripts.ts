import { goodWordGap, mostCounted, scoreBounds } from '@sallyport/rules'
import { longestRecord } from './client-record.ts'

/*
 * How clients are read and written in Redis; what a record and a part are says client-record.ts.
 *
 * Expiry and fading are by Redis' own clock, in both scripts: gates whose clocks differ then agree about every client, and one that
 * starts with a clock of 1970 neither forgets everybody nor remembers for fifty years. What a gate is told is the record and the second.
 *
 * Not taken: the gate's clock, which saves Redis the asking but trusts every gate's clock; functions in place of scripts, which would have to be
 * installed first; looking through a part for what has
 * expired: eight at random, at each new client, keep what is dead below an eighth of all.
 */

/** Clients in a part: a newcomer puts another in its place. 134 million clients are so many in each part; sooner it is somebody who has chosen his names. */
const mostInPart = 8192

/** Others in the part that are looked at for each new client. */
const looks = 8

/** Gives the record, and the second; nothing, where there is none. */
export const recallScript = `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {} end
local record = redis.call('HGET', KEYS[1], ARGV[1])
if not record or #record > ${longestRecord} then return {} end
return {record, redis.call('TIME')[1]}`

/** What of a record holds: the second at which each token expires; mail as score, taken, refused, unknown; its age; the second of the last good word. */
const readRecord = `
local function readRecord(record, now)
  local known = {}
  local kind = record and #record <= ${longestRecord} and string.byte(record)
  local from = kind == 1 and 6 or 25
  if (kind ~= 1 and kind ~= 2) or #record < from - 1 then return known, {0, 0, 0, 0}, 0, 0 end
  while from + 4 <= #record do
    local expiry = struct.unpack('>I4', record, from)
    local tokens = string.match(record, '^[^ ]*', from + 4)
    local i = 1
    while expiry > now and i <= #tokens do
      local token = string.match(tokens, '^!?=[^;]*;', i) or string.match(tokens, '^!?.', i)
      known[token] = expiry
      i = i + #token
    end
    from = from + 5 + #tokens
  end
  if kind == 1 then return known, {0, 0, 0, 0}, 0, 0 end
  local at, score, accepted, content, unknown, praised = struct.unpack('>I4i2I3I3I3I4', record, 6)
  return known, {score / 100, accepted / 100, content / 100, unknown / 100}, math.max(0, now - at), praised
end`

/** Fades mail, adds to it, and bounds it; gives the seconds until nothing is left of it. */
const addMail = `
local function addMail(mail, age, more, bad, good)
  local left = 0
  for i = 1, 4 do
    local halfLife = (i == 2 or (i == 1 and mail[i] < 0)) and good or bad
    local value = mail[i] * 0.5 ^ (age / halfLife) + more[i]
    local least, most = 0, ${mostCounted}
    if i == 1 then least, most = ${scoreBounds.least}, ${scoreBounds.most} end
    value = math.max(least, math.min(most, value))
    mail[i] = value
    local fades = (i == 2 or (i == 1 and value < 0)) and good or bad
    local size = math.abs(value)
    if size >= 0.5 then left = math.max(left, math.ceil(fades * math.log(size / 0.5) / math.log(2) + 1)) end
  end
  return left
end`

/**
 * What is below a hundredth is rounded up as often as it is large, by the part of the second (`part`) that has gone by: rounded to the nearest,
 * the little that fades between two writes would come back each time, and who is written often would never fade. Not math.random: it
 * begins anew in each script.
 */
const writeRecord = `
local function writeRecord(known, mail, left, now, praised, part)
  local groups, last = {}, 0
  for token, expiry in pairs(known) do
    groups[expiry] = (groups[expiry] or '') .. token
    last = math.max(last, expiry)
  end
  local parts = {''}
  if left > 0 then
    last = math.min(math.max(last, now + left), 4294967295)
    local hundredths = {}
    for i = 1, 4 do hundredths[i] = math.floor(mail[i] * 100 + part) end
    parts[1] = struct.pack('>BI4I4i2I3I3I3I4', 2, last, now, hundredths[1], hundredths[2], hundredths[3], hundredths[4], praised)
  else
    parts[1] = struct.pack('>BI4', 1, last)
  end
  for expiry, tokens in pairs(groups) do parts[#parts + 1] = struct.pack('>I4', expiry) .. tokens .. ' ' end
  return last > 0 and table.concat(parts) or nil, last
end`

/** Takes others out of a part that has a new client: those that have expired, and one more if there are too many. */
const makeRoom = `
local function makeRoom(key, newcomer, now)
  local some = redis.call('HRANDFIELD', key, ${looks}, 'WITHVALUES')
  local gone = {}
  for i = 1, #some, 2 do
    local record = some[i + 1]
    if #record < 5 or struct.unpack('>I4', record, 2) <= now then gone[#gone + 1] = some[i] end
  end
  if #gone == 0 and redis.call('HLEN', key) > ${mostInPart} then gone[1] = some[1] ~= newcomer and some[1] or some[3] end
  if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
end`

// ARGV: the field; half-lives of bad and good; score, accepted, content, unknown to add (0 each: nothing is added); then token, ttl,
// token, ttl ... A failure takes the pass of its name back that was known before. Gives the score as it is now, in hundredths; nothing,
// where the key is none of ours.
export const rememberScript = `${readRecord}${addMail}${writeRecord}${makeRoom}
local key, field = KEYS[1], ARGV[1]
local kind = redis.call('TYPE', key).ok
if kind ~= 'none' and kind ~= 'hash' then return false end
local time = redis.call('TIME')
local now, part = tonumber(time[1]), tonumber(time[2]) / 1e6
local before = redis.call('HGET', key, field)
local known, mail, age, praised = readRecord(before, now)
for i = 8, #ARGV, 2 do
  if string.sub(ARGV[i], 1, 1) == '!' then known[string.sub(ARGV[i], 2)] = nil end
end
for i = 8, #ARGV, 2 do
  local expiry = math.min(now + math.floor(tonumber(ARGV[i + 1])), 4294967295)
  if expiry > (known[ARGV[i]] or 0) then known[ARGV[i]] = expiry end
end
local more = {tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])}
if more[1] < 0 then
  if now - praised < ${goodWordGap} then more[1] = 0 else praised = now end
end
local left = addMail(mail, age, more, tonumber(ARGV[2]), tonumber(ARGV[3]))
local record, last = writeRecord(known, mail, left, now, praised, part)
local score = math.floor(mail[1] * 100 + 0.5)
if not record then
  redis.call('HDEL', key, field)
  return score
end
redis.call('HSET', key, field, record)
if now + redis.call('TTL', key) < last then redis.call('EXPIREAT', key, string.format('%d', last)) end
if not before then makeRoom(key, field, now) end
return score`
