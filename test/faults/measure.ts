/** What a session may hold, octets: of the engine's heap and of its buffers, of which nothing is shared with the kernel. */
export const mostEach = 262_144

/** As much OpenSSL has for one side of a session, octets, and the engine does not count: measured with 300 idle sockets, Node 20. */
export const openssl = 46_080
