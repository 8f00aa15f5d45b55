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
    let isShared = [tenant.limits, directory.platform.limits].contains(where: \.capsMoney)
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
    let ofAll = tenant.destinations.openings.filter(\.isCostly)
    if !ofAll.isEmpty {
      findings.append(
        AuditFinding(
          .costlyOpen, at: .tenant(tenant.name),
          "\(tenant.name) may call \(Self.list(ofAll)) numbers."))
    }
    let further = Dictionary(grouping: payers) { line in
      line.destinations.openings.filter { $0.isCostly && !ofAll.contains($0) }
    }
    for (openings, lines) in further.sorted(by: { Self.list($0.key) < Self.list($1.key) })
    where !openings.isEmpty {
      findings += finding(.costlyOpen, lines, of: tenant) { group in
        "\(group.subject) may call \(Self.list(openings)) numbers."
      }
    }
    return findings
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

  /// Ten times what an account has from its first minute, in any of its measures.
  fileprivate var isFarAboveDefault: Bool {
    let (usual, factor) = (LimitEntry.account, Int64(10))
    let pairs: [(Int64?, Int64?)] = [
      (spend.hourMicros, usual.spend.dayMicros), (spend.dayMicros, usual.spend.dayMicros),
      (spend.monthMicros, usual.spend.monthMicros),
      (international.hour, usual.international.hour), (international.day, usual.international.day),
      (international.month, usual.international.month),
    ]
    return pairs.contains { own, usual in
      guard let own, let usual else { return false }
      return own > usual * factor
    }
  }
}
