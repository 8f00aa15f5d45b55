import Elements

/// Numbers by name: places in a row, searched from the one that the name itself says.
///
/// A ``Fingerprint`` is a hash already, and a secret one: its bits are spread, and nobody outside can choose two
/// names that crowd. A `Dictionary` would hash it once more, whenever it is looked for, put in or taken out.
struct NameTable<Subject>: Sendable {
  private struct Place: Sendable {
    var name = Fingerprint(high: 0, low: 0)
    /// Zero when the place is free.
    var number: UInt64 = 0
  }

  /// A power of two, at most half of them taken.
  private var places: [Place] = []
  private(set) var count = 0

  init() {}

  var isEmpty: Bool { count == 0 }

  func find(_ name: Fingerprint) -> ID<Subject>? {
    guard count > 0 else { return nil }
    let number = places[search(name)].number
    return number == 0 ? nil : ID(number)
  }

  /// Gives a name to a thing whose number is above zero, whoever had it before.
  mutating func give(_ name: Fingerprint, to id: ID<Subject>) {
    invariant(id.number > 0, "a name needs a number above zero")
    if 2 * count >= places.count { grow() }
    let index = search(name)
    if places[index].number == 0 { count += 1 }
    places[index] = Place(name: name, number: id.number)
  }

  /// Takes a name away from a thing, unless it belongs to somebody else by now.
  mutating func take(_ name: Fingerprint, from id: ID<Subject>) {
    guard count > 0 else { return }
    let index = search(name)
    guard places[index].number == id.number else { return }
    count -= 1
    close(index)
  }

  /// The place of a name, or the free one where it belongs.
  private func search(_ name: Fingerprint) -> Int {
    var index = home(of: name)
    while places[index].number != 0, places[index].name != name { index = next(index) }
    return index
  }

  private func home(of name: Fingerprint) -> Int {
    Int(truncatingIfNeeded: name.low) & (places.count - 1)
  }

  private func next(_ index: Int) -> Int { (index + 1) & (places.count - 1) }

  /// Steps of ``next(_:)`` that lead from one place to another.
  private func distance(from start: Int, to end: Int) -> Int { (end - start) & (places.count - 1) }

  /// Frees a place, and moves up whoever stands behind it only because it was taken.
  private mutating func close(_ index: Int) {
    var (hole, index) = (index, next(index))
    while places[index].number != 0 {
      // Only who would have been let in at the hole may move there.
      if distance(from: home(of: places[index].name), to: index) >= distance(from: hole, to: index)
      {
        places[hole] = places[index]
        hole = index
      }
      index = next(index)
    }
    places[hole].number = 0
  }

  private mutating func grow() {
    let old = places
    places = Array(repeating: Place(), count: max(16, old.count * 2))
    for place in old where place.number != 0 { places[search(place.name)] = place }
  }
}
