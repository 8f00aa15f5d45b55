package import Elements

/// The price for one number at one moment.
package struct RateQuote: Hashable, Sendable {
  /// The prefix that matched.
  package let prefix: String
  /// The name that the deck gives the destination.
  package let destination: String
  package let tariff: Tariff
}

/// One row of a deck: a price for a prefix, perhaps on some days and hours only.
struct RateRow: Hashable, Sendable {
  let tariff: Tariff
  /// Index into the deck's names.
  let destination: Int32
  let schedule: RateSchedule
  /// The line that it stands in, for error messages.
  let line: Int32
}

/// When a row counts.
struct RateSchedule: Hashable, Sendable {
  static let always = RateSchedule()

  var validFrom = WallTime(unixMilliseconds: .min)
  /// The first moment that does not count any more.
  var validUntil = WallTime(unixMilliseconds: .max)
  /// Bit 0 is Sunday, bit 6 is Saturday: the days on which its hours begin.
  var days: UInt8 = 0x7F
  /// Minutes after local midnight; `to` at or before `from` reaches into the next day.
  var fromMinute: Int16 = 0
  var toMinute: Int16 = 1440

  var isForEver: Bool { validFrom == Self.always.validFrom && validUntil == Self.always.validUntil }
  var isAllWeek: Bool { days == 0x7F && fromMinute == 0 && toMinute == 1440 }

  func isValid(at time: WallTime) -> Bool { validFrom <= time && time < validUntil }

  /// Whether the local time is inside its hours.
  func holds(_ civil: CivilTime) -> Bool {
    let minute = Int16(civil.hour * 60 + civil.minute)
    let today = days >> UInt8(civil.weekday) & 1 == 1
    if fromMinute < toMinute { return today && fromMinute <= minute && minute < toMinute }
    let yesterday = days >> UInt8((civil.weekday + 6) % 7) & 1 == 1
    return today && fromMinute <= minute || yesterday && minute < toMinute
  }
}

extension RateSchedule {
  /// The first hour of a week that none of these hold, from Sunday at midnight; nil: they hold all of it.
  ///
  /// Their dates are not looked at.
  static func gap(in schedules: [RateSchedule]) -> (weekday: Int, minute: Int)? {
    let week = 7 * 1440
    var spans: [Range<Int>] = []
    for schedule in schedules {
      for day in 0..<7 where schedule.days >> UInt8(day) & 1 == 1 {
        let start = day * 1440 + Int(schedule.fromMinute)
        var end = day * 1440 + Int(schedule.toMinute)
        if end <= start { end += 1440 }
        spans.append(start..<min(end, week))
        // A Saturday's night reaches into Sunday.
        if end > week { spans.append(0..<end - week) }
      }
    }
    var held = 0
    for span in spans.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      guard span.lowerBound <= held else { break }
      held = max(held, span.upperBound)
    }
    return held < week ? (held / 1440, held % 1440) : nil
  }
}

/// Prices by longest prefix of the E.164 number, immutable; made by ``RateDeckParser``.
///
/// The prefixes are a tree in flat arrays, ten branches a node: a look-up is one step a digit and
/// allocates nothing but the answer.
package struct RateDeck: Sendable {
  package static let empty = RateDeck(groups: [], names: [], zone: .utc)

  /// Rows in the deck.
  package var count: Int { rows.count }

  /// Ten entries a node: the node behind that digit, 0 for none.
  private var branches: [Int32] = Array(repeating: 0, count: 10)
  /// For each node the group that ends there, -1 for none.
  private var groupAt: [Int32] = [-1]
  /// Where the rows of each group begin, and the end of the last.
  private var starts: [Int32] = [0]
  private var rows: [RateRow] = []
  private let names: [String]
  /// Where the hours of the rows are counted.
  private let zone: TimeZoneRules

  /// Takes all rows of a prefix together, each prefix once, its digits as values 0 to 9.
  init(groups: [(prefix: [UInt8], rows: [RateRow])], names: [String], zone: TimeZoneRules) {
    (self.names, self.zone) = (names, zone)
    for (index, group) in groups.enumerated() {
      rows.append(contentsOf: group.rows)
      starts.append(Int32(rows.count))
      groupAt[node(for: group.prefix)] = Int32(index)
    }
  }

  private mutating func node(for prefix: [UInt8]) -> Int {
    var node = 0
    for digit in prefix {
      let branch = node * 10 + Int(digit)
      if branches[branch] == 0 {
        branches[branch] = Int32(groupAt.count)
        groupAt.append(-1)
        branches.append(contentsOf: repeatElement(0, count: 10))
      }
      node = Int(branches[branch])
    }
    return node
  }

  /// The price of `digits` (E.164, with or without the plus) at `time`; nil where no row counts.
  ///
  /// A row that is not valid yet, or any more, is as if it were not there. Where the rows of the
  /// longest prefix leave out this hour, nobody said what it costs: nil.
  package func quote(for digits: Span<UInt8>, at time: WallTime) -> RateQuote? {
    let start = digits.count > 0 && digits[0] == UInt8(ascii: "+") ? 1 : 0
    let groups = groups(of: digits, from: start)
    guard let counting = groups.first(where: { isValid($0, at: time) }),
      let (row, tariff) = tariff(of: groups, at: time)
    else { return nil }
    let prefix = (start..<counting.end).map { digits[$0] }
    return RateQuote(
      prefix: String(decoding: prefix, as: UTF8.self), destination: names[Int(row.destination)],
      tariff: tariff)
  }

  /// The same for text.
  package func quote(for number: some StringProtocol, at time: WallTime) -> RateQuote? {
    let digits = Array(number.utf8)
    return quote(for: digits.span, at: time)
  }

  /// The rows of one prefix.
  private struct Group {
    let rows: Range<Int>
    /// Where the prefix ends in the number.
    let end: Int
  }

  /// The prefixes of a number that count at some time, the longest first.
  private func groups(of digits: Span<UInt8>, from start: Int) -> [Group] {
    var node = 0
    var found: [Group] = []
    for index in start..<max(start, digits.count) {
      let digit = digits[index] &- 48
      guard digit < 10 else { return [] }  // Not a number: it has no price.
      node = Int(branches[node * 10 + Int(digit)])
      guard node > 0 else { break }
      guard groupAt[node] >= 0 else { continue }
      let group = Int(groupAt[node])
      let rows = Int(starts[group])..<Int(starts[group + 1])
      // Behind one that always counts no shorter one ever does.
      if self.rows[rows].contains(where: \.schedule.isForEver) { found.removeAll() }
      found.append(Group(rows: rows, end: index + 1))
    }
    return found.reversed()
  }

  private func isValid(_ group: Group, at time: WallTime) -> Bool {
    rows[group.rows].contains { $0.schedule.isValid(at: time) }
  }
}

// MARK: - Times of day

extension RateDeck {
  /// How far ahead steps are given; behind it the dearest price of the prefixes that counted until then does.
  private static let horizon = Duration.seconds(2 * 86_400)
  /// A change of the connection fee within this time counts at once, since it may ring until then.
  private static let feeHorizon = Duration.seconds(600)

  private func tariff(of groups: [Group], at time: WallTime) -> (RateRow, Tariff)? {
    if groups.count == 1, let group = groups.first, group.rows.count == 1,
      let row = rows[group.rows].first, row.schedule.isAllWeek
    {
      // An end of validity in the middle of a call changes nothing: no other row is there.
      return (row, row.tariff)
    }
    guard let first = dearest(of: groups, at: time) else { return nil }
    let moments = changes(of: groups, after: time)
    let highest = ([time] + moments).lazy.map { highestPrice(of: groups, at: $0) }.max() ?? 0
    var steps: [Tariff.Step] = []
    var (price, fee) = (first.tariff.pricePerMinute, first.tariff.connectionFee)
    for moment in moments {
      let row = dearest(of: groups, at: moment)
      if let row, moment < time + Self.feeHorizon { fee = max(fee, row.tariff.connectionFee) }
      let next = row?.tariff.pricePerMinute ?? highest
      if next != price { steps.append(Tariff.Step(from: moment, pricePerMinute: next)) }
      price = next
    }
    if price != highest {
      steps.append(Tariff.Step(from: time + Self.horizon, pricePerMinute: highest))
    }
    let tariff = try? Tariff(
      currency: first.tariff.currency, connectionFee: fee,
      pricePerMinute: first.tariff.pricePerMinute, minimumSeconds: first.tariff.minimumSeconds,
      incrementSeconds: first.tariff.incrementSeconds, freeSeconds: first.tariff.freeSeconds,
      roundingMicros: first.tariff.roundingMicros, steps: steps)
    return tariff.map { (first, $0) }
  }

  /// Of the rows that count at `time`, those of the longest prefix with a valid one, the one with the highest price.
  private func dearest(of groups: [Group], at time: WallTime) -> RateRow? {
    guard let group = groups.first(where: { isValid($0, at: time) }) else { return nil }
    let civil = zone.civil(at: time)
    var found: RateRow?
    for row in rows[group.rows] where row.schedule.isValid(at: time) && row.schedule.holds(civil) {
      if row.tariff.pricePerMinute > (found?.tariff.pricePerMinute ?? -1) { found = row }
    }
    return found
  }

  /// The highest price that the prefix which counts at `time` has at any time.
  private func highestPrice(of groups: [Group], at time: WallTime) -> Int64 {
    guard let group = groups.first(where: { isValid($0, at: time) }) else { return 0 }
    return rows[group.rows].lazy.map(\.tariff.pricePerMinute).max() ?? 0
  }

  /// The moments up to the horizon at which a row may begin or end to count, ascending.
  private func changes(of groups: [Group], after time: WallTime) -> [WallTime] {
    let end = time + Self.horizon
    var moments: Set<Int64> = []
    // Twice a year an hour is missing or repeated: readings by both offsets are asked.
    var offsets = [zone.offset(at: time.unixSeconds)]
    if let change = zone.nextTransition(after: time.unixSeconds), change < end.unixSeconds {
      moments.insert(change * 1000)
      offsets.append(zone.offset(at: change))
    }
    let today = zone.civil(at: time).daysSinceEpoch
    for row in groups.lazy.flatMap({ rows[$0.rows] }) {
      moments.insert(row.schedule.validFrom.unixMilliseconds)
      moments.insert(row.schedule.validUntil.unixMilliseconds)
      guard !row.schedule.isAllWeek else { continue }
      for day in today - 1...today + 3 {
        for minute in [row.schedule.fromMinute, row.schedule.toMinute] {
          let local = Int64(day) * 86_400 + Int64(minute) * 60
          for offset in offsets { moments.insert((local - Int64(offset)) * 1000) }
        }
      }
    }
    return moments.filter { time.unixMilliseconds < $0 && $0 < end.unixMilliseconds }
      .sorted().map { WallTime(unixMilliseconds: $0) }
  }
}
