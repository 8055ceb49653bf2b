/*
 * Who has connections open, over all gates, is a hash for each network, `<prefix>open:{<network>}`: of the network itself (`*`) and of each client in it
 * that is connected a field that says which gates hold how many until when. In it, for each such gate:
 *
 *   8 octets   the gate, a word that it has drawn at its start
 *   3          how many it holds, most significant octet first
 *   6          until when, ms since 1970 by the clock of Redis
 *
 * A gate says how many it holds, never that it is one more or one less: a command that is lost, late or repeated does no harm that the next one does not
 * mend. What is not said again in time is not counted any more, and the key expires with the last of it, so that nobody has to clear up after a gate that was killed.
 *
 * Clocks of two Redis differ, and behind a failover it is the other's. What is ahead by more than any gate's lease may be was written by another clock, and is cut to a lease when it is met:
 * what a dead gate held counts for ten minutes at most, not for as long as the clocks differ. Where the new clock is ahead, what living gates hold is not counted until they say it
 * again, within three quarters of a lease.
 *
 * One key for a network and its clients: both are asked for and told with one command, and who is turned away for the one has not taken a place of the
 * other.
 *
 * Roads not taken: counters (INCR, DECR), of which a gate that dies leaves its part behind for ever; a key for each gate that says that it lives, and places that
 * count as long as it does: nothing would have to be renewed for a held client, but that key is on one node of a cluster, what another node has lost nobody would tell
 * it again, and what dead gates held would stay in memory for as long as a session may last; a ttl for each field (Redis 7.4); to cut to the lease of who asks whatever is ahead by more than that, which is sooner, and would
 * have gates agree about their lease.
 */

/** Gates in one field; one more is not noted, and holds what it holds by its own count alone. */
const mostGates = 256

/** Clients in a network; one more is not noted by itself, be it asked for or told, and counts for the network. */
const mostInNetwork = 4096

/** Fields that are looked at for each client that is new in a network of more than `few`: what dead gates held there has to go. */
const looks = 2
const few = 16

const entryLength = 17

/** The longest lease that a gate may have, ms: `store.lease`. */
export const longestLease = 600_000

const common = `
local key, gate, lease = KEYS[1], ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function read(name)
  local held, isCut = redis.call('HGET', key, name), false
  for i = 12, #(held or '') - 5, ${entryLength} do
    if struct.unpack('>I6', held, i) > now + ${longestLease} then
      held, isCut = string.sub(held, 1, i - 1) .. struct.pack('>I6', now + lease) .. string.sub(held, i + 6), true
    end
  end
  if isCut then redis.call('HSET', key, name, held) end
  return held
end
local function living(held, but)
  local kept, count = {}, 0
  for i = 1, #(held or '') - ${entryLength - 1}, ${entryLength} do
    local holds, till = struct.unpack('>I3I6', held, i + 8)
    if till > now and string.sub(held, i, i + 7) ~= but then
      kept[#kept + 1] = string.sub(held, i, i + ${entryLength - 1})
      count = count + holds
    end
  end
  return kept, count
end
local function hasRoom(name, held)
  if held or name == '*' then return true end
  local size = redis.call('HLEN', key)
  if size > ${few} then
    local some = redis.call('HRANDFIELD', key, ${looks}, 'WITHVALUES')
    for i = 1, #some, 2 do
      if #living(some[i + 1], '') == 0 then redis.call('HDEL', key, some[i]) end
    end
  end
  return size < ${mostInNetwork}
end
local function tell(name, held, others, count)
  if count > 0 and not hasRoom(name, held) then return end
  if count > 0 and #others < ${mostGates} then others[#others + 1] = gate .. struct.pack('>I3I6', count, now + lease) end
  if #others > 0 then redis.call('HSET', key, name, table.concat(others)) else redis.call('HDEL', key, name) end
end
local function last()
  if redis.call('PTTL', key) < lease then redis.call('PEXPIRE', key, lease) end
end`

/**
 * ARGV: the gate, its lease in ms; the most that all gates may hold of a client, and of the network; what this gate holds of the network; then of each that comes its
 * client and what this gate holds of that, both without those that come. Gives for each of them 0: it has its place; 1: there are too many of the client, 2: of the
 * network. Where nobody has a place nothing was written, but for an end that was cut.
 */
export const enterScript = `${common}
local perClient, perNetwork, holds = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local whole = read('*')
local beside, all = living(whole, gate)
local answers, clients, entered = {}, {}, false
for i = 6, #ARGV, 2 do
  local name = ARGV[i]
  local client = clients[name]
  if not client then
    client = { held = read(name), holds = tonumber(ARGV[i + 1]), entered = false }
    client.others, client.count = living(client.held, gate)
    clients[name] = client
  end
  local answer = 0
  if client.count + client.holds + 1 > perClient then answer = 1
  elseif all + holds + 1 > perNetwork then answer = 2
  else
    client.holds, holds = client.holds + 1, holds + 1
    client.entered, entered = true, true
  end
  answers[#answers + 1] = answer
end
if not entered then return answers end
for i = 6, #ARGV, 2 do
  local client = clients[ARGV[i]]
  if client.entered then tell(ARGV[i], client.held, client.others, client.holds) end
  client.entered = false
end
tell('*', whole, beside, holds)
last()
return answers`

/** ARGV: the gate, its lease in ms; then name, how many, name, how many ... that this gate holds; 0: none any more. */
export const tellScript = `${common}
for i = 3, #ARGV, 2 do
  local held = read(ARGV[i])
  tell(ARGV[i], held, (living(held, gate)), tonumber(ARGV[i + 1]))
end
last()
return 1`
