/// The rules of one IANA time zone: how far local time is from UTC at each moment.
///
/// Pure: made from the bytes of a TZif file (`TimeZoneRules+TZif.swift`); whoever opens the file
/// stands above the line. Beyond the last stored transition the POSIX rule of the footer goes on.
package struct TimeZoneRules: Hashable, Sendable {
  /// A moment at which the offset changes.
  package struct Transition: Hashable, Sendable {
    /// Unix seconds of the first moment with the new offset.
    package let at: Int64
    /// Seconds east of UTC from then on.
    package let offset: Int

    package init(at: Int64, offset: Int) {
      (self.at, self.offset) = (at, offset)
    }
  }

  /// The IANA name, "Europe/Madrid".
  package let name: String
  /// Offset before the first transition.
  package let firstOffset: Int
  /// Ascending in time.
  package let transitions: [Transition]
  /// The rule after the last transition; nil: the last offset stays for ever.
  package let footer: PosixZoneRule?

  package init(
    name: String, firstOffset: Int, transitions: [Transition], footer: PosixZoneRule?
  ) {
    (self.name, self.firstOffset) = (name, firstOffset)
    (self.transitions, self.footer) = (transitions, footer)
  }

  package static let utc = TimeZoneRules(
    name: "UTC", firstOffset: 0, transitions: [], footer: nil)

  /// Seconds east of UTC at `unixSeconds`.
  package func offset(at unixSeconds: Int64) -> Int { segment(at: unixSeconds).offset }

  /// Local date and time at `time`.
  package func civil(at time: WallTime) -> CivilTime {
    let seconds = time.unixSeconds
    return CivilTime(secondsSinceEpoch: seconds + Int64(offset(at: seconds)))
  }

  /// A stretch of time with one offset.
  struct Segment: Equatable {
    /// First second of it; `Int64.min` when it has no beginning.
    let start: Int64
    /// First second behind it; `Int64.max` when it has no end.
    let end: Int64
    let offset: Int
  }

  /// The stretch around `unixSeconds` in which the offset does not change.
  func segment(at unixSeconds: Int64) -> Segment {
    // Binary search: `low` becomes the number of transitions at or before the moment.
    var (low, high) = (0, transitions.count)
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].at <= unixSeconds { low = middle + 1 } else { high = middle }
    }
    guard low == transitions.count else {
      return Segment(
        start: low == 0 ? .min : transitions[low - 1].at, end: transitions[low].at,
        offset: low == 0 ? firstOffset : transitions[low - 1].offset)
    }
    let start = transitions.last?.at ?? .min
    guard let footer else {
      return Segment(start: start, end: .max, offset: transitions.last?.offset ?? firstOffset)
    }
    let ruled = footer.segment(at: unixSeconds)
    return Segment(start: max(start, ruled.start), end: ruled.end, offset: ruled.offset)
  }
}

// MARK: - Calendar windows

extension TimeZoneRules {
  /// The local hour around `time`; a change of the offset begins a new one.
  ///
  /// So a repeated hour is two hours, as it is in UTC, and none is longer than 60 minutes.
  package func hour(containing time: WallTime) -> Range<WallTime> {
    let seconds = time.unixSeconds
    let around = segment(at: seconds)
    let local = seconds + Int64(around.offset)
    let start = local.flooredQuotient(by: 3600) * 3600 - Int64(around.offset)
    let end = min(start + 3600, around.end)
    return WallTime(unixSeconds: max(start, around.start))..<WallTime(unixSeconds: end)
  }

  /// The local day around `time`: from midnight to midnight, 23, 24 or 25 hours and seldom else.
  package func day(containing time: WallTime) -> Range<WallTime> {
    range(around: time, from: \.day)
  }

  /// The local month around `time`.
  package func month(containing time: WallTime) -> Range<WallTime> {
    range(around: time, from: \.month)
  }

  private func range(
    around time: WallTime, from unit: WritableKeyPath<CivilTime, Int>
  ) -> Range<WallTime> {
    let seconds = time.unixSeconds
    var date = civil(at: time)
    (date.hour, date.minute, date.second) = (0, 0, 0)
    if unit == \.month { date.day = 1 }
    var start = startOfDay(date)
    var next = following(date, unit)
    // Where clocks go back over midnight the date is read twice; the later reading counts. A day
    // that a zone leaves out (Samoa, 2011-12-30) is empty and passed over. Both need one step.
    for _ in 0..<3 where seconds < start {
      (next, date) = (date, preceding(date, unit))
      start = startOfDay(date)
    }
    var end = startOfDay(next)
    for _ in 0..<3 where seconds >= end {
      (date, start) = (next, end)
      next = following(date, unit)
      end = startOfDay(next)
    }
    return WallTime(unixSeconds: start)..<WallTime(unixSeconds: end)
  }

  private func following(_ date: CivilTime, _ unit: WritableKeyPath<CivilTime, Int>) -> CivilTime {
    var next = date
    next[keyPath: unit] += 1
    return CivilTime(secondsSinceEpoch: next.secondsSinceEpoch)
  }

  private func preceding(_ date: CivilTime, _ unit: WritableKeyPath<CivilTime, Int>) -> CivilTime {
    var previous = date
    previous[keyPath: unit] -= 1
    return CivilTime(secondsSinceEpoch: previous.secondsSinceEpoch)
  }

  /// The moment from which the local time is `civil` or later and stays so.
  package func moment(of civil: CivilTime) -> WallTime {
    WallTime(unixSeconds: startOfDay(civil))
  }

  /// Unix seconds of the next change of the offset; nil where there is none any more.
  package func nextTransition(after unixSeconds: Int64) -> Int64? {
    let end = segment(at: unixSeconds).end
    return end == .max ? nil : end
  }

  private func startOfDay(_ date: CivilTime) -> Int64 {
    let midnight = date.secondsSinceEpoch
    // Two offsets differ by 51 hours at most: RFC 9636 §3.2 advises -25 to +26 hours.
    let reach: Int64 = 51 * 3600
    var segment = segment(at: midnight - reach)
    var found = midnight - Int64(segment.offset)
    // Bounded: one turn for each transition in about four days.
    for _ in 0..<32 {
      let candidate = midnight - Int64(segment.offset)
      if candidate >= segment.start, candidate < segment.end { found = candidate }
      guard segment.end < midnight + reach else { break }
      let later = self.segment(at: segment.end)
      // A gap that swallows midnight: the day begins with the first moment behind it.
      let localBefore = segment.end + Int64(segment.offset)
      let localAfter = later.start + Int64(later.offset)
      if localBefore <= midnight, midnight < localAfter { found = later.start }
      segment = later
    }
    return found
  }
}

extension WallTime {
  package init(unixSeconds: Int64) {
    self.init(unixMilliseconds: unixSeconds * 1000)
  }
}
