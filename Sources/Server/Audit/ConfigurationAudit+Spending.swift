import Directory

// What a stolen password could cost.

extension ConfigurationAudit {
  func spending() -> [AuditFinding] {
    directory.tenants.flatMap { tenant -> [AuditFinding] in
      let payers = payers(of: tenant)
      guard !payers.isEmpty else { return [] }
      return limits(of: payers, tenant) + openings(of: payers, tenant)
    }
  }

  private func limits(of payers: [Extension], _ tenant: Tenant) -> [AuditFinding] {
    let shared = [tenant.limits, directory.platform.limits].filter(\.capsMoney)
    // Calls that every carrier ends by its own limit have an end as well.
    let trunks = tenant.trunks.map { directory.trunk($0)?.limits }
    let isShared = !shared.isEmpty || trunks.allSatisfy { $0?.capsMoney ?? false }
    let uncapped = payers.filter { !$0.limits.capsMoney }
    let unlimited = isShared ? [] : uncapped.filter { !$0.destinations.openings.isEmpty }
    let others = uncapped.filter { line in !unlimited.contains { $0.id == line.id } }
    let high = payers.filter { $0.limits.isFarAboveDefault }
    var findings = finding(.unlimited, unlimited, of: tenant) { group in
      let open = Set(unlimited.flatMap(\.destinations.openings).map(\.description)).sorted()
      return "\(group.subject) may call \(open.joined(separator: ", ")) for any amount of money."
    }
    findings += finding(.noLimit, others, of: tenant) { group in
      "\(group.subject) \(group.has()) no limit of money of \(group.has("its", "their")) own."
    }
    findings += finding(.highLimit, high, of: tenant) { group in
      "\(group.subject) may spend or call more than ten times what the safe limits allow."
    }
    if !uncapped.isEmpty, !shared.isEmpty, shared.allSatisfy({ $0.isFarAbove(payers.count) }) {
      findings.append(
        AuditFinding(
          .highLimit, at: .tenant(tenant.name),
          "\(tenant.name) may spend more than ten times what the safe limits of its \(payers.count) extensions allow together, and some of them have none of their own."
        ))
    }
    if !tenant.limits.capsMoney, payers.count > 1 {
      findings.append(
        AuditFinding(
          .noTenantLimit, at: .tenant(tenant.name),
          "\(tenant.name) has no limit of money for its \(payers.count) extensions together."))
    }
    return findings
  }

  /// What the tenant opens for all, and what single extensions open besides.
  private func openings(of payers: [Extension], _ tenant: Tenant) -> [AuditFinding] {
    var findings: [AuditFinding] = []
    // Each is looked at once, however many extensions have it.
    let costly = Set(tenant.destinations.openings + payers.flatMap(\.destinations.openings))
      .filter(isCostly)
    let ofAll = tenant.destinations.openings.filter(costly.contains)
    if !ofAll.isEmpty {
      findings.append(
        AuditFinding(
          .costlyOpen, at: .tenant(tenant.name),
          "\(tenant.name) may call \(Self.list(ofAll)) numbers."))
    }
    let further = Dictionary(grouping: payers) { line in
      line.destinations.openings.filter { costly.contains($0) && !ofAll.contains($0) }
    }
    for (openings, lines) in further.sorted(by: { Self.list($0.key) < Self.list($1.key) })
    where !openings.isEmpty {
      findings += finding(.costlyOpen, lines, of: tenant) { group in
        "\(group.subject) may call \(Self.list(openings)) numbers."
      }
    }
    return findings
  }

  /// What thieves are paid for: as a class, as the code of no country, or within a prefix that opens what its class closes.
  private func isCostly(_ opening: DestinationPolicy.Opening) -> Bool {
    guard case .prefix(let digits) = opening, !opening.isCostly else { return opening.isCostly }
    return CostlyRange.holds(behind: digits)
  }

  private static func list(_ openings: [DestinationPolicy.Opening]) -> String {
    openings.map(\.description).joined(separator: ", ")
  }
}

extension LimitEntry {
  /// Whether there is an end to what may be spent.
  fileprivate var capsMoney: Bool {
    isPrepaid || spend.hourMicros != nil || spend.dayMicros != nil || spend.monthMicros != nil
  }

  private static let factor: Int64 = 10
  private static let (hoursOfDay, daysOfMonth): (Int64, Int64) = (24, 31)

  /// What may be spent in a day and in a month, where only shorter windows are limited; nil: there is no end.
  private var mostOfDay: Int64? {
    spend.dayMicros ?? spend.hourMicros.map { Self.times($0, Self.hoursOfDay) }
  }
  private var mostOfMonth: Int64? {
    spend.monthMicros ?? mostOfDay.map { Self.times($0, Self.daysOfMonth) }
  }

  private static func times(_ amount: Int64, _ count: Int64) -> Int64 {
    let (product, overflow) = amount.multipliedReportingOverflow(by: count)
    return overflow ? .max : product
  }

  /// Ten times what an account has from its first minute, in any of its measures.
  fileprivate var isFarAboveDefault: Bool {
    let usual = LimitEntry.account
    let pairs: [(Int64?, Int64?)] = [
      (spend.hourMicros, usual.spend.dayMicros), (mostOfDay, usual.spend.dayMicros),
      (mostOfMonth, usual.spend.monthMicros),
      (international.hour, usual.international.hour), (international.day, usual.international.day),
      (international.month, usual.international.month),
    ]
    return pairs.contains { own, usual in
      guard let own, let usual else { return false }
      return own > Self.times(usual, Self.factor)
    }
  }

  /// Ten times what so many accounts with safe limits may spend, in every window that is limited.
  fileprivate func isFarAbove(_ accounts: Int) -> Bool {
    let (usual, all) = (LimitEntry.account.spend, Self.times(Self.factor, Int64(accounts)))
    let pairs: [(Int64?, Int64?)] = [
      (spend.hourMicros.map { Self.times($0, Self.hoursOfDay) }, usual.dayMicros),
      (spend.dayMicros, usual.dayMicros), (spend.monthMicros, usual.monthMicros),
    ]
    return !isPrepaid
      && pairs.allSatisfy { own, usual in
        guard let own, let usual else { return true }
        return own > Self.times(usual, all)
      }
  }
}
