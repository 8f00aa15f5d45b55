import Elements

/// Things under a number of ours, found by the name that messages give them.
///
/// A number is a place in an array and, above it, the count of numbers so far: looking a thing up
/// hashes nothing, numbers ascend, and an old number never finds the new owner of its place.
struct TransactionTable<Subject, Value: Scheduled & Sendable>: Sendable {
  private struct Place: Sendable {
    /// The number that holds the place; zero when it is free.
    var number: UInt64
    var value: Value?
  }

  private static var placeBits: UInt64 { 24 }

  /// The first place is nobody's and stays empty: whatever is not there is found there.
  private var places: [Place] = [Place(number: 0, value: nil)]
  private var free: [Int] = []
  private var given: UInt64 = 0
  private var byName = NameTable<Subject>()

  init() {}

  /// Numbers in use.
  var count: Int { places.count - 1 - free.count }
  /// Numbers and names; both are gone at rest.
  var isEmpty: Bool { count == 0 && byName.isEmpty }

  /// The numbers of all things, in the order in which they were given out.
  var ids: [ID<Subject>] {
    places.compactMap { $0.value == nil ? nil : ID($0.number) }.sorted()
  }

  func find(_ name: Fingerprint) -> ID<Subject>? { byName.find(name) }

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

  @inline(__always)
  private func place(of id: ID<Subject>) -> Int {
    let place = Int(truncatingIfNeeded: id.number & (1 << Self.placeBits - 1))
    return place < places.count && places[place].number == id.number ? place : 0
  }

  /// A value may be changed in place; one is added by ``insert(_:_:name:)`` only, none is taken out.
  ///
  /// Inlined, so that who asks for one thing does not copy the whole, and changed through a span: the subscript of an array
  /// would be a coroutine within this one, whose frame lies on the heap. A transaction is large, and either costs more than
  /// most things that are done with it.
  subscript(id: ID<Subject>) -> Value? {
    @inline(__always) get { places[place(of: id)].value }
    @inline(__always) _modify {
      let place = place(of: id)
      var span = places.mutableSpan
      yield &span[place].value
    }
  }

  /// Gives a value in its place to who asks for several things of it, or changes it; nil where there is none.
  ///
  /// What is asked for one by one, with other ways to go on between, may be copied as a whole each time.
  @inline(__always)
  @discardableResult
  mutating func with<Result>(_ id: ID<Subject>, _ body: (inout Value) -> Result) -> Result? {
    let place = place(of: id)
    var span = places.mutableSpan
    return span[place].value?.give(to: body)
  }

  /// Puts a value under a number that ``nextID()`` has given.
  mutating func insert(_ value: consuming Value, _ id: ID<Subject>, name: Fingerprint) {
    let place = place(of: id)
    guard place > 0 else { return }
    places[place].value = consume value
    byName.give(name, to: id)
  }

  /// Adds a further name for a value.
  mutating func name(_ id: ID<Subject>, also name: Fingerprint) { byName.give(name, to: id) }

  /// Drops a name, unless it belongs to somebody else by now.
  mutating func forget(_ name: Fingerprint, of id: ID<Subject>) { byName.take(name, from: id) }

  /// Takes a value out and keeps its number for another one.
  mutating func vacate(_ id: ID<Subject>) -> Value? {
    places[place(of: id)].value.take()
  }

  /// Drops a value and gives its number up.
  mutating func remove(_ id: ID<Subject>) {
    let place = place(of: id)
    guard place > 0 else { return }
    places[place].number = 0
    places[place].value = nil
    free.append(place)
  }
}
