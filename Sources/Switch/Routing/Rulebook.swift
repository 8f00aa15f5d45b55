package import Directory
package import Elements
package import Limits

/// What ``SwitchCommand/adopt(_:)`` takes into force: the directory and what its names stand for.
package struct Rulebook: Sendable {
  package let directory: DirectorySnapshot
  /// Rate decks by name.
  package let decks: [String: RateDeck]
  /// Rules of the time zones that tenants name; a missing one counts as UTC.
  package let zones: [String: TimeZoneRules]
  /// Who brought it into force; nil where nobody has.
  package let appliedBy: String?

  package init(
    directory: DirectorySnapshot, decks: [String: RateDeck] = [:],
    zones: [String: TimeZoneRules] = [:], appliedBy: String? = nil
  ) {
    (self.directory, self.decks, self.zones) = (directory, decks, zones)
    self.appliedBy = appliedBy
  }

  package static let empty = Rulebook(directory: .empty)

  func zone(of tenant: Tenant) -> TimeZoneRules { zones[tenant.timezone] ?? .utc }

  /// What a call costs over one trunk; nil where a deck or a row is missing, and then it is refused.
  ///
  /// Without purchase prices the sell price stands for them, but where a limit counts them.
  func price(_ digits: String, payer: Extension, trunk: Trunk, at wall: WallTime) -> Price? {
    let tenant = payer.tenant
    func quote(_ name: String?) -> Tariff? {
      guard let name, let deck = decks[name] else { return nil }
      return deck.quote(for: digits, at: wall)?.tariff
    }
    guard let sell = quote(tenant.rates.sell) else { return nil }
    guard let deck = trunk.purchase ?? tenant.rates.purchase else {
      let bases = [
        payer.limits.basis ?? tenant.limits.basis, tenant.limits.basis, trunk.limits.basis,
        directory.platform.limits.basis,
      ]
      return bases.contains(.purchase) ? nil : Price(both: sell)
    }
    guard let purchase = quote(deck) else { return nil }
    return Price(sell: sell, purchase: purchase)
  }

  /// The limits of every subject, for the ledger.
  package var limitBook: LimitBook {
    let platformCurrency = Currency(directory.platform.currency) ?? .eur
    var lines = [
      LimitBook.Line(
        .platform, limits: LimitSet(directory.platform.limits, currency: platformCurrency),
        zone: .utc)
    ]
    for tenant in directory.tenants {
      lines.append(
        LimitBook.Line(
          .tenant(tenant.id), limits: LimitSet(tenant.limits, currency: tenant.currency),
          zone: zone(of: tenant)))
    }
    for trunk in directory.trunks {
      lines.append(
        LimitBook.Line(
          .trunk(trunk.id), limits: LimitSet(trunk.limits, currency: platformCurrency), zone: .utc))
    }
    for line in directory.extensions {
      lines.append(
        LimitBook.Line(
          .account(line.account), of: line.tenant.id,
          limits: LimitSet(
            line.limits, currency: line.tenant.currency, inheriting: line.tenant.limits.basis),
          zone: zone(of: line.tenant)))
    }
    return LimitBook(lines: lines)
  }
}

extension LimitSet {
  /// - Parameters:
  ///   - entry: What the directory says.
  ///   - currency: Of its amounts.
  ///   - inherited: The basis where the entry names none.
  init(_ entry: LimitEntry, currency: Currency, inheriting inherited: PriceBasis? = nil) {
    self.init(currency: currency)
    switch entry.basis ?? inherited {
    case .sell: basis = .sell
    case .purchase: basis = .purchase
    case .max, nil: basis = .max
    }
    moneyPerHour = entry.spend.hourMicros
    moneyPerDay = entry.spend.dayMicros
    moneyPerMonth = entry.spend.monthMicros
    costPerCall = entry.spend.callMicros
    internationalPerHour = entry.international.hour
    internationalPerDay = entry.international.day
    internationalPerMonth = entry.international.month
    attemptsPerHour = entry.attemptsPerHour
    concurrentCalls = entry.concurrent
    pricePerMinute = entry.pricePerMinuteMicros
    connectionFee = entry.connectionFeeMicros
    isPrepaid = entry.isPrepaid
    for period in entry.releases {
      switch period {
      case .hour: releasesAtRoll.insert(.hour)
      case .day: releasesAtRoll.insert(.day)
      case .month: releasesAtRoll.insert(.month)
      }
    }
  }
}
