import Elements

/// A destination or an origin that was there before, and on how many days.
struct KnownPlace<Place: Hashable & Sendable>: Hashable, Sendable {
  let place: Place
  let firstDay: Int32
  var lastDay: Int32
  /// Different days, up to 255.
  var days: UInt8
}

/// Where an account calls to, or from; bounded, and what was not seen for longest makes room.
struct KnownPlaces<Place: Hashable & Sendable>: Hashable, Sendable {
  private(set) var all: [KnownPlace<Place>]

  init(_ all: [KnownPlace<Place>] = []) {
    self.all = all
  }

  func known(_ place: Place) -> KnownPlace<Place>? { all.first { $0.place == place } }

  /// Whether a place was there on so many days, the first of them so long ago.
  func isSettled(_ place: Place, days: Int, age: Int32, on day: Int32) -> Bool {
    guard let known = known(place) else { return false }
    return known.days >= days && day - known.firstDay >= age
  }

  /// - Returns: Whether it is there for the first time.
  @discardableResult
  mutating func see(_ place: Place, on day: Int32, bound: Int) -> Bool {
    if let index = all.firstIndex(where: { $0.place == place }) {
      if day > all[index].lastDay {
        all[index].lastDay = day
        all[index].days = all[index].days == .max ? .max : all[index].days + 1
      }
      return false
    }
    if all.count >= bound,
      let oldest = all.indices.min(by: { all[$0].lastDay < all[$1].lastDay })
    {
      all.remove(at: oldest)
    }
    all.append(KnownPlace(place: place, firstDay: day, lastDay: day, days: 1))
    return true
  }

  /// The places that were there for the first time on that day or later, each with its day.
  func new(since day: Int32) -> [(place: Place, since: Int32)] {
    all.filter { $0.firstDay >= day }.map { ($0.place, $0.firstDay) }
  }

  /// Forgets a place, but where it was there before a day.
  mutating func forget(_ place: Place, since day: Int32 = .min) {
    all.removeAll { $0.place == place && $0.firstDay >= day }
  }

  /// A person has said that this place is usual.
  mutating func settle(_ place: Place, days: UInt8, age: Int32, on day: Int32) {
    guard let index = all.firstIndex(where: { $0.place == place }) else { return }
    all[index] = KnownPlace(
      place: place, firstDay: min(all[index].firstDay, day - age), lastDay: day,
      days: max(all[index].days, days))
  }
}
