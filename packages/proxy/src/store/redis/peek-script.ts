/**
 * KEYS[1]: a tuple of the greylist, or a rate. Gives its value as it stands, and the clock of the Redis that has it: of a cluster
 * another node may have another.
 */
export const peekScript = `return {redis.call('GET', KEYS[1]), redis.call('TIME')}`
