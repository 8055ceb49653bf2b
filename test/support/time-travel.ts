/** Redis keeps its own time: instead of the clock, everything that it remembers is moved into the past. */
export const timeTravel = `
local function earlier(record, from)
  local second = struct.unpack('>I4', record, from)
  return string.sub(record, 1, from - 1) .. struct.pack('>I4', math.max(0, second - ARGV[1])) .. string.sub(record, from + 4)
end
local function moved(record)
  record = earlier(record, 2)
  local from = 6
  if string.byte(record) == 2 then
    record = earlier(earlier(record, 6), 21)
    from = 25
  end
  while from + 4 <= #record do
    record = earlier(record, from)
    from = from + 5 + #string.match(record, '^[^ ]*', from + 4)
  end
  return record
end
local function sooner(shares)
  local all = {}
  for i = 1, #shares, 17 do
    local till = struct.unpack('>I6', shares, i + 11)
    all[#all + 1] = string.sub(shares, i, i + 10) .. struct.pack('>I6', math.max(0, till - ARGV[1] * 1000))
  end
  return table.concat(all)
end
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('TTL', key) - ARGV[1]
  if redis.call('TYPE', key).ok == 'string' then
    local value = redis.call('GET', key)
    if tonumber(value) then value = string.format(string.find(value, '%.') and '%.6f' or '%d', value - ARGV[1]) end
    if left > 0 then redis.call('SET', key, value, 'EX', left) else redis.call('DEL', key) end
  else
    local isOpen = string.find(key, ':open:', 1, true)
    for _, field in ipairs(redis.call('HKEYS', key)) do
      local value = redis.call('HGET', key, field)
      redis.call('HSET', key, field, isOpen and sooner(value) or moved(value))
    end
    redis.call('EXPIRE', key, left)
  end
end`
