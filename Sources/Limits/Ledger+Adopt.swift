package import Elements

extension Ledger {
  /// Takes over limits, zones and who belongs to whom; never shrinks what was counted.
  ///
  /// A lowered limit counts from now on, a raised one leaves the counters alone. Where a zone changed, the
  /// windows of the old one stay in force beside the new ones until they are over.
  package mutating func adopt(
    _ book: LimitBook, at now: Now, into entries: inout [LedgerEntry],
    notices: inout [LedgerNotice]
  ) {
    advance(to: now)
    // Tenants before accounts, so that an account finds its tenant.
    let lines = book.lines.sorted { $0.subject.sortKey < $1.subject.sortKey }
    var zonePlaces: [String: Int32] = [:]
    let formerZones = zones
    zones = [.utc]
    var bounds: [Int32: PerPeriod<CalendarWindow>] = [:]
    var present: Set<LimitSubject> = []
    for line in lines where present.insert(line.subject).inserted {
      adoptTerms(line, &entries, &notices)
      guard let place = places[line.subject] else { continue }
      let zone = zonePlaces[line.zone.name] ?? addZone(line.zone, &zonePlaces)
      nodes[place].zone = zone
      adoptZone(place, &bounds, &entries)
    }
    for place in nodes.indices where !present.contains(nodes[place].subject) {
      // A call of it may still run: its windows go on in the zone that they had.
      if nodes[place].zone >= 0 {
        let zone = formerZones[Int(nodes[place].zone)]
        nodes[place].zone = zonePlaces[zone.name] ?? addZone(zone, &zonePlaces)
      }
      if nodes[place].isActive { record(.withdrawn(nodes[place].subject), &entries) }
    }
  }

  private mutating func addZone(
    _ zone: TimeZoneRules, _ zonePlaces: inout [String: Int32]
  ) -> Int32 {
    zones.append(zone)
    zonePlaces[zone.name] = Int32(zones.count - 1)
    return Int32(zones.count - 1)
  }

  private mutating func adoptTerms(
    _ line: LimitBook.Line, _ entries: inout [LedgerEntry], _ notices: inout [LedgerNotice]
  ) {
    var limits = line.limits
    if let place = places[line.subject] {
      nodes[place].expire(at: time)
      let node = nodes[place]
      // Counted amounts cannot be converted: the old currency stays until they have left the windows.
      if node.limits.currency != limits.currency, node.countsMoney(at: time) {
        limits.currency = node.limits.currency
      }
      guard node.limits != limits || node.tenantID != line.tenant || !node.isActive else { return }
      if node.isActive, node.limits != limits {
        notices.append(.limitsChanged(line.subject, from: node.limits, to: limits))
      }
    }
    record(.terms(line.subject, tenant: line.tenant, limits), &entries)
  }

  /// Opens the windows of another zone, and keeps the old ones.
  private mutating func adoptZone(
    _ place: Int, _ bounds: inout [Int32: PerPeriod<CalendarWindow>],
    _ entries: inout [LedgerEntry]
  ) {
    guard nodes[place].calendar.month.end > 0 else { return }  // Nothing counted yet.
    let due = bounds[nodes[place].zone] ?? windows(for: place)
    bounds[nodes[place].zone] = due
    nodes[place].expire(at: time)
    for period in Period.allCases {
      let old = nodes[place].calendar[period]
      var window = due[period]
      guard time.wall < old.end, old.start != window.start || old.end != window.end else {
        continue
      }
      // What may have been counted since the new window began, by the buckets of the rolling one.
      let began = time.elapsed - (time.wall - window.start)
      let first = period.bucket(at: began)
      window.used = nodes[place].rolling[period].sums(from: first).used
      // Of the bucket that the window begins in, all spending counts and no grant does.
      window.granted = nodes[place].rolling[period].sums(from: first + 1).granted
      if old.start >= window.start {
        window.used = window.used.joined(old.used)
        window.granted = window.granted.joined(old.granted)
      }
      window.sharesTold = old.sharesTold
      record(.window(nodes[place].subject, period, window, .retires), &entries)
    }
  }

  private func windows(for place: Int) -> PerPeriod<CalendarWindow> {
    var windows = PerPeriod(repeating: CalendarWindow())
    for period in Period.allCases {
      (windows[period].start, windows[period].end) = bounds(of: period, for: place)
    }
    return windows
  }
}

extension LimitNode {
  /// Whether money is counted or held, so that the currency cannot change.
  fileprivate func countsMoney(at time: LedgerTime) -> Bool {
    reserved != 0 || reservedBalance != 0 || balance != 0 || openCalls > 0
      || Period.allCases.contains {
        calendar[$0].end > time.wall && calendar[$0].used.money != 0
          || rolling[$0].used.money != 0
      }
      || retired.contains { $0.window.used.money != 0 }
  }
}
