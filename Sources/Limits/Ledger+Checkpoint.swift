import Elements

extension Ledger {
  /// Entries that recreate this ledger in an empty one, in an order that does not depend on hashing.
  package func checkpoint() -> [LedgerEntry] {
    var entries: [LedgerEntry] = []
    for place in nodes.indices.sorted(by: {
      nodes[$0].subject.sortKey < nodes[$1].subject.sortKey
    }) {
      var node = nodes[place]
      node.expire(at: time)
      guard node.isActive || !node.isEmpty else { continue }
      append(node, to: &entries)
    }
    for id in openHolds {
      guard let place = holdPlaces[id] else { continue }
      let hold = holds[place]
      entries.append(
        .opened(
          OpenedHold(
            id: id, account: hold.accountID, trunk: hold.trunkID, terms: hold.terms,
            sellCurrency: hold.sellCurrency, purchaseCurrency: hold.purchaseCurrency,
            total: hold.total, posted: hold.posted, isInternational: hold.isInternational,
            isAnswered: hold.isAnswered, isRestored: true, time: hold.openedAt,
            trunkSince: hold.trunkSince)))
    }
    entries.append(.clock(time, lastHold: HoldID(lastHold)))
    return entries
  }

  private func append(_ node: LimitNode, to entries: inout [LedgerEntry]) {
    let subject = node.subject
    entries.append(.terms(subject, tenant: node.tenantID, node.limits))
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
  }
}
