import Elements

/// A table that forgets by itself in which no tenant drives out what others have: where a generation holds two shares, nobody
/// gets more than one of it.
///
/// An entry is of the tenant that wrote it first in its generation; where its share is used up, it can write nothing new, and what
/// it has ages as if it had not come back. So a tenant that is alone has two shares, which is to be less than there is room for.
struct TenantGenerations<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  struct Entry: Sendable {
    /// Nil: nobody's yet, as what a journal says is.
    fileprivate(set) var tenant: TenantID?
    fileprivate(set) var value: Value
  }

  /// Entries of one generation that are one tenant's, where that holds two shares.
  private let share: Int
  private var table: Generations<Key, Entry>
  /// What of the young generation is whose.
  private var counts: [TenantID: Int] = [:]
  private var counted = 0

  init(life: Duration, limit: Int, share: Int) {
    self.share = share
    table = Generations(life: life, limit: limit)
  }

  var life: Duration {
    get { table.life }
    set { table.life = newValue }
  }
  var count: Int { table.count }
  var all: [Key: Entry] { table.all }

  func value(of key: Key, at now: Instant) -> Value? { table.value(of: key, at: now)?.value }

  func contains(at now: Instant, where isWanted: (Key, Value) -> Bool) -> Bool {
    table.contains(at: now) { isWanted($0, $1.value) }
  }

  /// Changes what is known of a key, from `initial` where nothing is.
  ///
  /// - Returns: False where nothing is known of it and the tenant's share is used up.
  mutating func update(
    _ key: Key, of tenant: TenantID?, initial: @autoclosure () -> Value, at now: Instant,
    _ change: (inout Value) -> Void
  ) -> Bool {
    table.turn(at: now)
    noteTurn()
    let wasNobodys = table.updateYoung(key) { entry in
      change(&entry.value)
      guard entry.tenant == nil else { return false }
      entry.tenant = tenant
      return true
    }
    if let wasNobodys {
      if wasNobodys { count(tenant) }
      return true
    }
    guard hasRoom(tenant) else { return table.touch(key, at: now) { change(&$0.value) } != nil }
    table.update(key, initial: Entry(tenant: nil, value: initial()), at: now) { entry in
      change(&entry.value)
      entry.tenant = tenant
    }
    noteTurn()
    count(tenant)
    return true
  }

  private mutating func count(_ tenant: TenantID?) {
    if let tenant { counts[tenant, default: 0] += 1 }
  }

  private func hasRoom(_ tenant: TenantID?) -> Bool {
    guard let tenant, table.youngCount >= 2 * share else { return true }
    return counts[tenant, default: 0] < share
  }

  mutating func touch<Result>(
    _ key: Key, at now: Instant, _ change: (inout Value) -> Result
  ) -> Result? {
    table.touch(key, at: now) { change(&$0.value) }
  }

  mutating func forget(_ key: Key) {
    noteTurn()
    if let tenant = table.young(key)?.tenant, let count = counts[tenant] {
      counts[tenant] = count > 1 ? count - 1 : nil
    }
    table.forget(key)
  }

  /// A new generation has nothing yet.
  private mutating func noteTurn() {
    guard counted != table.turns else { return }
    (counts, counted) = ([:], table.turns)
  }
}
