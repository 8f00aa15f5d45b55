package import API
import Directory
import Elements
import Net
import Store
import Switch

extension Administration {
  /// Changes the limits of one subject; the owner is told.
  package func setLimits(
    of target: LimitTarget, change: LimitChange, by person: String
  ) throws -> String {
    var document = document()
    let subject: String
    var tenantID: TenantID?
    switch target {
    case .account(let name, let number):
      let index = try document.place(ofTenant: name)
      tenantID = rulebook().directory.tenants.first { $0.name == name }?.id
      guard
        let line = document.tenants[index].extensions.firstIndex(where: { $0.number == number })
      else {
        throw ConfigurationError(
          field: "extension", problem: "\(name) has no extension \"\(number)\"",
          wayOut: "`martinet export` lists them.")
      }
      var limits =
        document.tenants[index].extensions[line].limits ?? document.tenants[index].extensionLimits
      try limits.apply(change)
      document.tenants[index].extensions[line].limits = limits
      subject = "extension \(number) of \(name)"
    case .tenant(let name):
      let index = try document.place(ofTenant: name)
      tenantID = rulebook().directory.tenants.first { $0.name == name }?.id
      try document.tenants[index].limits.apply(change)
      subject = "tenant \(name)"
    case .trunk(let name):
      guard let index = document.trunks.firstIndex(where: { $0.name == name }) else {
        throw ConfigurationError.unknownTrunk(name, known: document.trunks.map(\.name))
      }
      try document.trunks[index].limits.apply(change)
      subject = "trunk \(name)"
    case .platform:
      try document.platform.limits.apply(change)
      subject = "the platform"
    }
    let now = Clocks.wall()
    try adopt(
      document, by: person,
      telling: Alert(
        .limitChanged, .warning, tenant: tenantID, at: now,
        key: "limits.changed/\(subject)/\(now.unixMilliseconds)",
        facts: [.init("subject", subject), .init("change", change.words), .init("by", person)]))
    return "The limits of \(subject) are changed: \(change.words)."
  }
}

extension DirectoryDocument {
  fileprivate func place(ofTenant name: String) throws -> Int {
    guard let index = tenants.firstIndex(where: { $0.name == name }) else {
      throw ConfigurationError(
        field: "tenant", problem: "there is no tenant \"\(name)\"",
        wayOut: "`martinet export` lists them.")
    }
    return index
  }
}

extension LimitEntry {
  /// Takes over what the change names.
  mutating func apply(_ change: LimitChange) throws {
    func micros(_ text: String, _ field: String) throws -> Int64 {
      guard let amount = DecimalAmount(text), amount.micros >= 0 else {
        throw ConfigurationError(
          field: field, problem: "\"\(text)\" is not an amount of money",
          wayOut: "Write units of the currency with a point: 12.50.")
      }
      return amount.micros
    }
    func count(_ number: Int, _ field: String) throws -> Int64 {
      guard number >= 0 else {
        throw ConfigurationError(
          field: field, problem: "\(number) is negative", wayOut: "Write 0 or more.")
      }
      return Int64(number)
    }
    if let text = change.spendPerHour { spend.hourMicros = try micros(text, "hour") }
    if let text = change.spendPerDay { spend.dayMicros = try micros(text, "day") }
    if let text = change.spendPerMonth { spend.monthMicros = try micros(text, "month") }
    if let number = change.internationalPerHour {
      international.hour = try count(number, "international-hour")
    }
    if let number = change.internationalPerDay {
      international.day = try count(number, "international-day")
    }
    if let number = change.internationalPerMonth {
      international.month = try count(number, "international-month")
    }
    if let number = change.concurrent { concurrent = try count(number, "concurrent") }
  }
}

extension LimitChange {
  /// "day 20, month 200".
  var words: String {
    let parts: [(String, String?)] = [
      ("hour", spendPerHour), ("day", spendPerDay), ("month", spendPerMonth),
      ("international per hour", internationalPerHour.map(String.init)),
      ("international per day", internationalPerDay.map(String.init)),
      ("international per month", internationalPerMonth.map(String.init)),
      ("concurrent", concurrent.map(String.init)),
    ]
    return parts.compactMap { name, value in value.map { "\(name) \($0)" } }.joined(separator: ", ")
  }
}
