/** Redis keeps its own time: instead of the clock, everything that it remembers is moved into the past. */
export const timeTravel = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  if redis.call('TYPE', key).ok == 'string' then
    local left, value = redis.call('TTL', key) - ARGV[1], redis.call('GET', key)
    if tonumber(value) then value = string.format(string.find(value, '%.') and '%.6f' or '%d', value - ARGV[1]) end
    if left > 0 then redis.call('SET', key, value, 'EX', left) else redis.call('DEL', key) end
  else
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if field ~= 'r' then redis.call('HINCRBY', key, field, -ARGV[1]) else
      local score, at, rest = string.match(redis.call('HGET', key, field), '(%S+) (%S+) (.*)')
      redis.call('HSET', key, field, score .. ' ' .. string.format('%d', at - ARGV[1]) .. ' ' .. rest)
    end
  end
  redis.call('EXPIRE', key, redis.call('TTL', key) - ARGV[1])
  end
end`
