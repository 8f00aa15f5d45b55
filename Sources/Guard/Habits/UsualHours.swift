import Elements

/// In which hours of the week somebody calls: a weight for each of the 168, which grows with use and ages by the week.
///
/// A day teaches when it is over: whoever calls in a dead hour does not make it usual for the next minute.
struct UsualHours: Hashable, Sendable {
  static let count = 168

  /// From Monday 00:00.
  private(set) var weights: [UInt8]
  /// Local days since 1970: the last one that was looked at, and which hours of it were used.
  private(set) var day: Int64
  private(set) var used: UInt32

  init(at localHour: Int64) {
    self.init(
      weights: [UInt8](repeating: 0, count: Self.count), day: localHour.flooredQuotient(by: 24),
      used: 0)
  }

  init(weights: [UInt8], day: Int64, used: UInt32) {
    (self.weights, self.day, self.used) = (weights, day, used)
  }

  /// 1970-01-01 was a Thursday.
  private static func week(of day: Int64) -> Int64 { (day + 3).flooredQuotient(by: 7) }
  private static func weekday(of day: Int64) -> Int { Int(day + 3 - week(of: day) * 7) }

  /// An hour in which somebody calls.
  mutating func use(_ localHour: Int64) {
    let today = localHour.flooredQuotient(by: 24)
    close(before: today)
    used |= 1 << UInt32(localHour - today * 24)
  }

  /// A person has said that this hour is usual.
  mutating func teach(_ localHour: Int64) {
    for _ in 0..<3 { grow(Self.place(of: localHour)) }
  }

  /// Takes back what calls in these hours have taught, where without it an hour is less than `usual`: in a usual one others call, too.
  mutating func forget(_ localHours: [Int64], below usual: Int) {
    var left = weights.map { Int($0) }
    // The newest first, the other way round than they were learned.
    let hours = Set(localHours).sorted(by: >)
    for hour in hours {
      let day = hour.flooredQuotient(by: 24)
      guard day < self.day else { continue }
      var lesson = 255
      for _ in 0..<min(Self.week(of: self.day) - Self.week(of: day), 64) { lesson -= lesson / 8 }
      let place = Self.place(of: hour)
      left[place] = max(0, (6 * left[place] - lesson) / 5)
    }
    for place in weights.indices where left[place] < min(usual, Int(weights[place])) {
      weights[place] = UInt8(left[place])
    }
    // What this day would teach when it is over.
    for hour in hours where hour.flooredQuotient(by: 24) == day {
      guard weights[Self.place(of: hour)] < usual else { continue }
      used &= ~(1 << UInt32(hour - day * 24))
    }
  }

  private static func place(of localHour: Int64) -> Int {
    let day = localHour.flooredQuotient(by: 24)
    return weekday(of: day) * 24 + Int(localHour - day * 24)
  }

  private mutating func grow(_ place: Int) { weights[place] += (255 - weights[place]) / 6 }

  private mutating func close(before today: Int64) {
    guard today > day else { return }
    let weekday = Self.weekday(of: day)
    for hour in 0..<24 where used >> UInt32(hour) & 1 == 1 { grow(weekday * 24 + hour) }
    used = 0
    for _ in 0..<min(Self.week(of: today) - Self.week(of: day), 64) {
      for place in weights.indices where weights[place] > 0 {
        weights[place] -= max(1, weights[place] / 8)
      }
    }
    day = today
  }

  /// How usual an hour is: itself, the hours beside it, and the same hour of other such days.
  func weight(of localHour: Int64) -> Int {
    let place = Self.place(of: localHour)
    let own = Int(weights[place])
    let beside =
      (Int(weights[(place + 167) % 168]) + Int(weights[(place + 1) % 168])) / 2
    let (day, hour) = (place / 24, place % 24)
    let alike = day < 5 ? 0..<5 : 5..<7
    let sum = alike.reduce(0) { $0 + Int(weights[$1 * 24 + hour]) }
    return max(own, beside, sum / alike.count)
  }
}
