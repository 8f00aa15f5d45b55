package import Elements

/// A table that forgets by itself, in bounded memory: what was not written for two lives is gone, and what was
/// written within one is there, unless more keys came than there is room for.
///
/// Two generations of one life each; when the young one is full the old one goes early. So a stranger who makes up
/// keys drives out others' entries and never grows the table.
package struct Generations<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  /// A new one holds from the next generation on.
  package var life: Duration
  /// Entries of one generation.
  package let limit: Int
  private var young: [Key: Value] = [:]
  private var old: [Key: Value] = [:]
  private var turnAt: Instant?
  /// How often a generation has followed another.
  private(set) var turns = 0

  package init(life: Duration, limit: Int) {
    (self.life, self.limit) = (life, limit)
  }

  package var count: Int { young.count + old.count }

  /// What is known of a key, however long ago it was written within two lives.
  package func value(of key: Key, at now: Instant) -> Value? {
    guard let turnAt else { return nil }
    if now < turnAt { return young[key] ?? old[key] }
    // A generation that is due to turn is the old one by now.
    return now < turnAt + life ? young[key] : nil
  }

  /// Whether anything that is known is wanted; looks at all of it.
  package func contains(at now: Instant, where isWanted: (Key, Value) -> Bool) -> Bool {
    guard let turnAt, now < turnAt + life else { return false }
    return young.contains { isWanted($0.key, $0.value) }
      || (now < turnAt && old.contains { isWanted($0.key, $0.value) })
  }

  /// Everything, also what is forgotten at the next look.
  package var all: [Key: Value] { young.merging(old) { young, _ in young } }

  /// Changes what is known of a key, from `initial` where nothing is.
  package mutating func update<Result>(
    _ key: Key, initial: @autoclosure () -> Value, at now: Instant,
    _ change: (inout Value) -> Result
  ) -> Result {
    turn(at: now)
    if let index = young.index(forKey: key) { return change(&young.values[index]) }
    var value = old.removeValue(forKey: key) ?? initial()
    let result = change(&value)
    if young.count >= limit { follow(young) }
    young[key] = value
    return result
  }

  var youngCount: Int { young.count }

  func young(_ key: Key) -> Value? { young[key] }

  /// Changes what was written in the present generation; nil where nothing was.
  mutating func updateYoung<Result>(_ key: Key, _ change: (inout Value) -> Result) -> Result? {
    young.index(forKey: key).map { change(&young.values[$0]) }
  }

  /// Changes what is known of a key without having it last any longer; nil where nothing is known.
  package mutating func touch<Result>(
    _ key: Key, at now: Instant, _ change: (inout Value) -> Result
  ) -> Result? {
    guard let turnAt, now < turnAt || now < turnAt + life else { return nil }
    if let index = young.index(forKey: key) { return change(&young.values[index]) }
    guard now < turnAt, let index = old.index(forKey: key) else { return nil }
    return change(&old.values[index])
  }

  package mutating func forget(_ key: Key) {
    young[key] = nil
    old[key] = nil
  }

  /// Begins a generation where it is time to.
  mutating func turn(at now: Instant) {
    if let turnAt, now < turnAt { return }
    if let turnAt, now < turnAt + life { follow(young) } else { follow([:]) }
    turnAt = now + life
  }

  private mutating func follow(_ generation: [Key: Value]) {
    (old, young) = (generation, [:])
    turns &+= 1
  }
}
