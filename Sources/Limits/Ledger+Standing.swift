package import Elements

extension Ledger {
  /// Where a subject stands; nil when it is unknown.
  package func standing(of subject: LimitSubject, at now: Now) -> Standing? {
    guard let place = places[subject] else { return nil }
    let time = reading(now)
    var node = nodes[place]
    node.expire(at: time)
    for period in Period.allCases where node.calendar[period].end <= time.wall {
      let (start, end) = bounds(of: period, in: node.zone, at: time.wall)
      node.calendar[period] = CalendarWindow(start: start, end: end)
    }
    return Standing(
      subject: subject, limits: node.limits, windows: node.windows(at: time),
      openCalls: Int(node.openCalls), reserved: Money(micros: node.reserved, node.limits.currency),
      balance: node.limits.isPrepaid
        ? Money(micros: node.balance - node.reservedBalance, node.limits.currency) : nil,
      block: node.block)
  }

  /// The subjects that are blocked, in the order of levels and numbers.
  package var blockedSubjects: [LimitSubject] {
    nodes.filter { $0.block != nil && $0.isActive }.map(\.subject)
      .sorted { $0.sortKey < $1.sortKey }
  }
}

extension LimitNode {
  fileprivate func windows(at time: LedgerTime) -> [Standing.Window] {
    var windows: [Standing.Window] = []
    for meter in Meter.all where meter.quantity != .attempts || meter.period == .hour {
      let (quantity, period) = (meter.quantity, meter.period)
      let formers = retired.filter { $0.period == period && time.wall < $0.window.end }
      for window in [calendar[period]] + formers.map(\.window) {
        windows.append(
          Standing.Window(
            meter: meter, kind: .calendar, from: WallTime(unixMilliseconds: window.start),
            until: WallTime(unixMilliseconds: window.end), posted: window.used[quantity],
            reserved: reserved(quantity), limit: limits[meter], granted: window.granted[quantity]))
      }
      windows.append(
        Standing.Window(
          meter: meter, kind: .rolling,
          from: WallTime(unixMilliseconds: time.wall - period.rollingLength), until: nil,
          posted: rolling[period].used[quantity], reserved: reserved(quantity),
          limit: limits[meter], granted: rolling[period].granted[quantity]))
    }
    return windows
  }
}
