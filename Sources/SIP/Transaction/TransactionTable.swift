import Elements

/// Things under a number of ours, found by the name that messages give them.
///
/// A number is a place in an array and, above it, the count of numbers so far: looking a thing up
/// hashes nothing, numbers ascend, and an old number never finds the new owner of its place.
struct TransactionTable<Subject, Value: Sendable>: Sendable {
  private struct Place: Sendable {
    /// The number that holds the place; zero when it is free.
    var number: UInt64
    var value: Value?
  }

  private static var placeBits: UInt64 { 24 }

  private var places: [Place] = []
  private var free: [Int] = []
  private var given: UInt64 = 0
  private var byName: [Fingerprint: ID<Subject>] = [:]

  init() {}

  /// Numbers in use.
  var count: Int { places.count - free.count }
  /// Numbers and names; both are gone at rest.
  var isEmpty: Bool { count == 0 && byName.isEmpty }

  /// The numbers of all things, in the order in which they were given out.
  var ids: [ID<Subject>] {
    places.compactMap { $0.value == nil ? nil : ID($0.number) }.sorted()
  }

  func find(_ name: Fingerprint) -> ID<Subject>? { byName[name] }

  /// A new number, which holds its place until ``remove(_:)``.
  mutating func nextID() -> ID<Subject> {
    given += 1
    let place = free.popLast() ?? places.count
    invariant(place < 1 << Int(Self.placeBits), "a table of transactions is full")
    let number = given << Self.placeBits | UInt64(place)
    if place == places.count {
      places.append(Place(number: number, value: nil))
    } else {
      places[place].number = number
    }
    return ID(number)
  }

  private func place(of id: ID<Subject>) -> Int? {
    let place = Int(truncatingIfNeeded: id.number & (1 << Self.placeBits - 1))
    return place < places.count && places[place].number == id.number ? place : nil
  }

  /// A value may be changed in place; one is added by ``insert(_:_:name:)`` only.
  subscript(id: ID<Subject>) -> Value? {
    get { place(of: id).flatMap { places[$0].value } }
    _modify {
      if let place = place(of: id) {
        yield &places[place].value
      } else {
        var nothing: Value?
        yield &nothing
      }
    }
  }

  /// Puts a value under a number that ``nextID()`` has given.
  mutating func insert(_ value: Value, _ id: ID<Subject>, name: Fingerprint) {
    guard let place = place(of: id) else { return }
    places[place].value = value
    byName[name] = id
  }

  /// Adds a further name for a value.
  mutating func name(_ id: ID<Subject>, also name: Fingerprint) { byName[name] = id }

  /// Drops a name, unless it belongs to somebody else by now.
  mutating func forget(_ name: Fingerprint, of id: ID<Subject>) {
    if byName[name] == id { byName[name] = nil }
  }

  /// Takes a value out and keeps its number for another one.
  mutating func vacate(_ id: ID<Subject>) -> Value? {
    place(of: id).flatMap { places[$0].value.take() }
  }

  /// Takes a value out and gives its number up.
  @discardableResult
  mutating func remove(_ id: ID<Subject>) -> Value? {
    guard let place = place(of: id) else { return nil }
    places[place].number = 0
    free.append(place)
    return places[place].value.take()
  }
}
