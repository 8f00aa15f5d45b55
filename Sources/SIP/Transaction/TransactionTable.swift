import Elements

/// Things under a number of ours, found by the name that messages give them.
struct TransactionTable<Subject, Value: Sendable>: Sendable {
  private var numbers = IDSource<Subject>()
  private var byName: [Fingerprint: ID<Subject>] = [:]
  private var values: [ID<Subject>: Value] = [:]

  init() {}

  var count: Int { values.count }
  /// Names and values; both are zero at rest.
  var isEmpty: Bool { values.isEmpty && byName.isEmpty }

  /// All numbers, in ascending order.
  var ids: [ID<Subject>] { values.keys.sorted() }

  func find(_ name: Fingerprint) -> ID<Subject>? { byName[name] }

  mutating func nextID() -> ID<Subject> { numbers.next() }

  /// A value may be changed in place, never added or removed this way.
  subscript(id: ID<Subject>) -> Value? {
    get { values[id] }
    _modify { yield &values[id] }
  }

  mutating func insert(_ value: Value, _ id: ID<Subject>, name: Fingerprint) {
    byName[name] = id
    values[id] = value
  }

  /// Adds a further name for a value.
  mutating func name(_ id: ID<Subject>, also name: Fingerprint) { byName[name] = id }

  /// Drops a name, unless it belongs to somebody else by now.
  mutating func forget(_ name: Fingerprint, of id: ID<Subject>) {
    if byName[name] == id { byName[name] = nil }
  }

  @discardableResult
  mutating func remove(_ id: ID<Subject>) -> Value? { values.removeValue(forKey: id) }
}
