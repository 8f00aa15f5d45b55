import Elements

extension Ledger {
  private enum Part {
    case node(Int)
    case hold(HoldID)
    case clock
  }

  /// Entries that recreate this ledger in an empty one, in an order that does not depend on hashing.
  ///
  /// Those of one subject are made when it is its turn: all at once they would be as large as the ledger.
  package func checkpoint() -> some Sequence<LedgerEntry> {
    let places = nodes.indices.sorted { nodes[$0].subject.sortKey < nodes[$1].subject.sortKey }
    let parts = places.map(Part.node) + openHolds.map(Part.hold) + [.clock]
    return parts.lazy.flatMap(entries)
  }

  private func entries(of part: Part) -> [LedgerEntry] {
    switch part {
    case .node(let place):
      var node = nodes[place]
      node.expire(at: time)
      return node.isActive || !node.isEmpty ? entries(of: node) : []
    case .hold(let id):
      guard let place = holdPlaces[id] else { return [] }
      let hold = holds[place]
      return [
        .opened(
          OpenedHold(
            id: id, account: hold.accountID, trunk: hold.trunkID, terms: hold.terms,
            sellCurrency: hold.sellCurrency, purchaseCurrency: hold.purchaseCurrency,
            total: hold.total, posted: hold.posted, credit: hold.credit,
            isInternational: hold.isInternational, isAnswered: hold.isAnswered, isRestored: true,
            time: hold.openedAt,
            trunkSince: hold.trunkSince))
      ]
    case .clock: return [.clock(time, lastHold: HoldID(lastHold))]
    }
  }

  private func entries(of node: LimitNode) -> [LedgerEntry] {
    let subject = node.subject
    var entries: [LedgerEntry] = [.terms(subject, tenant: node.tenantID, node.limits)]
    for period in Period.allCases {
      // First the retired ones: restoring them needs no place for a current one.
      for old in node.retired where old.period == period {
        entries.append(.window(subject, period, old.window, .isRetired))
      }
      if node.calendar[period].end > 0 {
        entries.append(.window(subject, period, node.calendar[period], .replaces))
      }
      for bucket in node.rolling[period].buckets {
        entries.append(
          .bucket(
            subject, period, index: bucket.index, used: bucket.used, granted: bucket.granted))
      }
    }
    if node.balance != 0 {
      entries.append(.deposited(subject, micros: node.balance, reference: ""))
    }
    if let block = node.block { entries.append(.blocked(subject, block)) }
    if !node.isActive { entries.append(.withdrawn(subject)) }
    return entries
  }
}
