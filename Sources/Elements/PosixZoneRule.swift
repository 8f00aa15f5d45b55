/// The rule at the foot of a TZif file, a POSIX TZ string: "CET-1CEST,M3.5.0,M10.5.0/3".
///
/// With the extension of RFC 9636 §3.3.1: times of day may be from -167 to 167 hours.
package struct PosixZoneRule: Hashable, Sendable {
  /// When in a year a change happens.
  enum ChangeDay: Hashable, Sendable {
    /// `Jn`: day 1 to 365, February 29 is never counted.
    case julian(Int)
    /// `n`: day 0 to 365, February 29 is counted.
    case dayOfYear(Int)
    /// `Mm.w.d`: weekday `d` of week `w` of month `m`; week 5 is the last.
    case weekday(month: Int, week: Int, day: Int)
  }

  struct Change: Hashable, Sendable {
    let day: ChangeDay
    /// Seconds after local midnight, by the offset in force before the change.
    let time: Int
  }

  struct Summer: Hashable, Sendable {
    let offset: Int
    let begin: Change
    let end: Change
  }

  /// Seconds east of UTC in standard time.
  package let standardOffset: Int
  let summer: Summer?

  init(standardOffset: Int, summer: Summer?) {
    (self.standardOffset, self.summer) = (standardOffset, summer)
  }

  func segment(at unixSeconds: Int64) -> TimeZoneRules.Segment {
    guard let summer else {
      return TimeZoneRules.Segment(start: .min, end: .max, offset: standardOffset)
    }
    let year = CivilTime(secondsSinceEpoch: unixSeconds + Int64(standardOffset)).year
    var changes: [TimeZoneRules.Transition] = []
    for year in year - 1...year + 1 {
      changes.append(
        TimeZoneRules.Transition(
          at: moment(of: summer.begin, in: year, offsetBefore: standardOffset),
          offset: summer.offset))
      changes.append(
        TimeZoneRules.Transition(
          at: moment(of: summer.end, in: year, offsetBefore: summer.offset),
          offset: standardOffset))
    }
    changes.sort { ($0.at, $0.offset) < ($1.at, $1.offset) }
    guard let next = changes.firstIndex(where: { $0.at > unixSeconds }), next > 0 else {
      return TimeZoneRules.Segment(start: .min, end: .max, offset: standardOffset)
    }
    return TimeZoneRules.Segment(
      start: changes[next - 1].at, end: changes[next].at, offset: changes[next - 1].offset)
  }

  private func moment(of change: Change, in year: Int, offsetBefore: Int) -> Int64 {
    Int64(daysSinceEpoch(of: change.day, in: year)) * 86_400 + Int64(change.time)
      - Int64(offsetBefore)
  }

  private func daysSinceEpoch(of day: ChangeDay, in year: Int) -> Int {
    let newYear = CivilTime(year: year, month: 1, day: 1).daysSinceEpoch
    switch day {
    case .julian(let number):
      let isLeap = CivilTime(year: year, month: 3, day: 1).daysSinceEpoch - newYear == 60
      return newYear + number - 1 + (isLeap && number >= 60 ? 1 : 0)
    case .dayOfYear(let number):
      return newYear + number
    case .weekday(let month, let week, let weekday):
      let first = CivilTime(year: year, month: month, day: 1)
      let toWeekday = (weekday - first.weekday + 7) % 7
      let found = first.daysSinceEpoch + toWeekday + (week - 1) * 7
      let nextMonth = CivilTime(year: year, month: month + 1, day: 1).daysSinceEpoch
      return found < nextMonth ? found : found - 7
    }
  }
}

// MARK: - Parsing

extension PosixZoneRule {
  /// Parses a TZ string; nil for anything else.
  package init?(_ text: some StringProtocol) {
    var scanner = Scanner(rest: Array(text.utf8)[...])
    guard scanner.skipName(), let west = scanner.time(below: 25) else { return nil }
    guard !scanner.rest.isEmpty else {
      self.init(standardOffset: -west, summer: nil)
      return
    }
    guard scanner.skipName() else { return nil }
    var offset = -west + 3600
    if scanner.rest.first != UInt8(ascii: ",") {
      guard let westOfSummer = scanner.time(below: 25) else { return nil }
      offset = -westOfSummer
    }
    guard let begin = scanner.change(), let end = scanner.change(), scanner.rest.isEmpty else {
      return nil
    }
    self.init(
      standardOffset: -west, summer: Summer(offset: offset, begin: begin, end: end))
  }

  private struct Scanner {
    var rest: ArraySlice<UInt8>

    mutating func skip(_ letter: Character) -> Bool {
      guard rest.first == letter.asciiValue else { return false }
      rest.removeFirst()
      return true
    }

    /// "CET" or "<+0330>".
    mutating func skipName() -> Bool {
      if skip("<") {
        guard let close = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
        rest = rest[(close + 1)...]
        return true
      }
      let letters = rest.prefix { (65...90).contains($0) || (97...122).contains($0) }
      rest = rest.dropFirst(letters.count)
      return letters.count >= 3
    }

    mutating func number(through highest: Int) -> Int? {
      let digits = rest.prefix { (48...57).contains($0) }
      guard (1...3).contains(digits.count) else { return nil }
      rest = rest.dropFirst(digits.count)
      let value = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
      return value <= highest ? value : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time(below hourLimit: Int) -> Int? {
      let negative = skip("-")
      if !negative { _ = skip("+") }
      guard let hours = number(through: hourLimit - 1) else { return nil }
      var seconds = hours * 3600
      for unit in [60, 1] where skip(":") {
        guard let value = number(through: 59) else { return nil }
        seconds += value * unit
      }
      return negative ? -seconds : seconds
    }

    /// `,Mm.w.d[/time]`, `,Jn[/time]` or `,n[/time]`.
    mutating func change() -> Change? {
      guard skip(","), let day = changeDay() else { return nil }
      guard skip("/") else { return Change(day: day, time: 7200) }
      guard let time = time(below: 168) else { return nil }
      return Change(day: day, time: time)
    }

    private mutating func changeDay() -> ChangeDay? {
      if skip("J") {
        guard let day = number(through: 365), day >= 1 else { return nil }
        return .julian(day)
      }
      guard skip("M") else { return number(through: 365).map { .dayOfYear($0) } }
      guard let month = number(through: 12), month >= 1, skip("."),
        let week = number(through: 5), week >= 1, skip("."),
        let day = number(through: 6)
      else { return nil }
      return .weekday(month: month, week: week, day: day)
    }
  }
}
