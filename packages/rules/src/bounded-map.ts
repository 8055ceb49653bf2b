/** Takes out the key that was set longest ago: a Map keeps the order in which keys were set. */
export function dropOldest<Key>(map: Map<Key, unknown>): void {
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}

/** A Map of `most` keys at most. What is set is the latest, even if it was known; at the cap the one set longest ago goes, in constant time. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  private readonly most: number

  constructor(most: number) {
    super()
    this.most = most
  }

  override set(key: Key, value: Value): this {
    this.delete(key)
    super.set(key, value)
    if (this.size > this.most) dropOldest(this)
    return this
  }
}
